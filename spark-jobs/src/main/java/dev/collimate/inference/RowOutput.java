package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.SparkFailure;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Where results go: one file ({@code .jsonl}, {@code .parquet}) or a folder of JSON lines. It
 * appears whole or not at all, and is never there before.
 */
final class RowOutput {

  /** The last file of a folder, hidden from Spark's readers. */
  static final String INDEX = "_index.json";

  private enum Form {
    JSON_LINES,
    PARQUET,
    FOLDER
  }

  private final SparkSession session;
  private final Configuration configuration;
  private final Path output;
  private final Form form;

  /**
   * @throws CollimateException (usage) where the output exists or its ending is unknown
   */
  RowOutput(SparkSession session, String output) throws IOException {
    this.session = session;
    this.configuration = session.sparkContext().hadoopConfiguration();
    this.output = new Path(output);
    this.form = form(this.output.getName());
    if (Storage.of(this.output, configuration).exists(this.output)) {
      throw CollimateException.usage(
          "--output: '%s' exists; nothing is overwritten, choose another".formatted(output));
    }
  }

  private static Form form(String name) {
    int dot = name.lastIndexOf('.');
    String ending = dot < 0 ? "" : name.substring(dot).toLowerCase(Locale.ROOT);
    return switch (ending) {
      case ".jsonl", ".json", ".ndjson" -> Form.JSON_LINES;
      case ".parquet" -> Form.PARQUET;
      case "" -> Form.FOLDER;
      default ->
          throw CollimateException.usage(
              "--output: '%s' ends in '%s'; accepted are .jsonl, .parquet, or a folder without ending"
                  .formatted(name, ending));
    };
  }

  /** Does the work on every row and publishes the results in input order. */
  void write(OrderedRows rows, RowWork work) throws IOException {
    Path target =
        form == Form.FOLDER
            ? output
            : new Path(output.getParent(), "." + output.getName() + ".parts");
    try (Publication publication = new Publication(target, INDEX, configuration, () -> {})) {
      WritePart writing =
          new WritePart(
              publication.workspace().toString(),
              work,
              new SerializableConfiguration(configuration));
      List<String> names;
      try {
        names = rows.pieces().mapPartitionsWithIndex(writing::write, true).collect();
      } catch (Exception e) {
        throw SparkFailure.of("writing '" + output + "'", e);
      }
      switch (form) {
        case JSON_LINES -> joinParts(publication.workspace(), names);
        case PARQUET -> toParquet(publication.workspace(), names);
        case FOLDER -> publishParts(publication, names);
      }
    }
  }

  private void joinParts(Path workspace, List<String> names) throws IOException {
    Storage storage = Storage.of(output, configuration);
    // An object appears when its upload is complete; a file is renamed when it is.
    Path joined = storage.renamesAtomically() ? new Path(workspace, "joined") : output;
    try (OutputStream out = storage.fileSystem().create(joined, /* overwrite= */ false)) {
      for (String name : names) {
        try (FSDataInputStream in = storage.fileSystem().open(new Path(workspace, name))) {
          in.transferTo(out);
        }
      }
    }
    moveToOutput(storage, joined);
  }

  private void toParquet(Path workspace, List<String> names) throws IOException {
    Storage storage = Storage.of(output, configuration);
    Path folder = new Path(workspace, "parquet");
    Column[] columns =
        firstRow(storage, new Path(workspace, names.get(0))).keySet().stream()
            .map(name -> functions.col("`" + name + "`"))
            .toArray(Column[]::new);
    // One partition that reads the parts one after the other keeps the order of the rows.
    PartLines lines =
        new PartLines(workspace.toString(), new SerializableConfiguration(configuration));
    session
        .read()
        .json(
            session.createDataset(
                spark(session).parallelize(names, 1).flatMap(lines::of).rdd(), Encoders.STRING()))
        .select(columns)
        .write()
        .parquet(folder.toString());
    for (var file : storage.fileSystem().listStatus(folder)) {
      if (file.getPath().getName().endsWith(".parquet")) {
        moveToOutput(storage, file.getPath());
        return;
      }
    }
    throw new IOException("Spark wrote no Parquet file into '" + folder + "'");
  }

  private static Map<String, Object> firstRow(Storage storage, Path part) throws IOException {
    String text = new String(storage.read(part), StandardCharsets.UTF_8);
    return OrderedRows.row(" " + text.lines().findFirst().orElseThrow());
  }

  private void moveToOutput(Storage storage, Path file) throws IOException {
    if (!file.equals(output) && !storage.fileSystem().rename(file, output)) {
      throw new IOException("cannot rename '%s' to '%s'".formatted(file, output));
    }
  }

  private void publishParts(Publication publication, List<String> names) throws IOException {
    Storage storage = Storage.of(publication.workspace(), configuration);
    for (String name : names) {
      publication.record(Publication.measure(storage, publication.workspace(), name));
    }
    publication.commit(
        files ->
            OrderedRows.json(
                    Map.of(
                        "files", files.stream().map(RowOutput::entry).collect(Collectors.toList())))
                .getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, Object> entry(PublishedFile file) {
    return Map.of("name", file.name(), "bytes", file.bytes(), "sha256", file.sha256());
  }

  static JavaSparkContext spark(SparkSession session) {
    return JavaSparkContext.fromSparkContext(session.sparkContext());
  }
}

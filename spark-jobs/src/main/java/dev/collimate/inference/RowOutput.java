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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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

  /** Publishes rows as they are. */
  void write(OrderedRows rows) throws IOException {
    write(rows, Unchanged::new);
  }

  private record Unchanged() implements RowTask {
    @Override
    public List<Map<String, Object>> run(long number, Map<String, Object> row) {
      return List.of(row);
    }

    @Override
    public void close() {}
  }

  private void joinParts(Path workspace, List<String> names) throws IOException {
    Storage storage = Storage.of(output, configuration);
    // An object appears when its upload is complete; a file is renamed when it is.
    Path joined = storage.renamesAtomically() ? new Path(workspace, "joined") : output;
    requireAbsent(storage);
    OutputStream out = storage.fileSystem().create(joined, /* overwrite= */ false);
    try (out) {
      for (String name : names) {
        try (FSDataInputStream in = storage.fileSystem().open(new Path(workspace, name))) {
          in.transferTo(out);
        }
      }
    } catch (IOException | RuntimeException e) {
      // Closing the stream has made what was written so far an object.
      storage.fileSystem().delete(joined, false);
      throw e;
    }
    moveToOutput(storage, joined);
  }

  private void toParquet(Path workspace, List<String> names) throws IOException {
    Storage storage = Storage.of(output, configuration);
    Path folder = new Path(workspace, "parquet");
    PartLines lines =
        new PartLines(workspace.toString(), new SerializableConfiguration(configuration));
    try {
      Column[] columns =
          columns(lines, names).stream()
              .map(name -> functions.col("`" + name.replace("`", "``") + "`"))
              .toArray(Column[]::new);
      // One partition that reads the parts one after the other keeps the order of the rows.
      session
          .read()
          .json(
              session.createDataset(
                  spark(session).parallelize(names, 1).flatMap(lines::of).rdd(), Encoders.STRING()))
          .select(columns)
          .write()
          .parquet(folder.toString());
    } catch (Exception e) {
      throw SparkFailure.of("writing '" + output + "'", e);
    }
    for (var file : storage.fileSystem().listStatus(folder)) {
      if (file.getPath().getName().endsWith(".parquet")) {
        moveToOutput(storage, file.getPath());
        return;
      }
    }
    throw new IOException("Spark wrote no Parquet file into '" + folder + "'");
  }

  /** The names of all rows' columns, in the order in which the rows bring them. */
  private Set<String> columns(PartLines lines, List<String> parts) {
    Set<String> columns = new LinkedHashSet<>();
    spark(session)
        .parallelize(parts, parts.size())
        .map(
            part -> {
              LinkedHashSet<String> ofPart = new LinkedHashSet<>();
              lines
                  .of(part)
                  .forEachRemaining(line -> ofPart.addAll(OrderedRows.row(" " + line).keySet()));
              return ofPart;
            })
        .collect()
        .forEach(columns::addAll);
    return columns;
  }

  private void requireAbsent(Storage storage) throws IOException {
    if (storage.exists(output)) {
      throw CollimateException.usage(
          "--output: '%s' has come to exist meanwhile; nothing is overwritten, choose another"
              .formatted(output));
    }
  }

  private void moveToOutput(Storage storage, Path file) throws IOException {
    if (file.equals(output)) {
      return;
    }
    // A local rename replaces a file.
    requireAbsent(storage);
    if (!storage.fileSystem().rename(file, output)) {
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

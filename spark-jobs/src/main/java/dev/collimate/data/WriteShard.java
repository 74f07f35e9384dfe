package dev.collimate.data;

import dev.collimate.objective.Declaration;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import dev.collimate.text.Example;
import dev.collimate.text.PreparerConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * Writes the rows of one shard, under a name of this attempt alone: a lost executor or a second
 * attempt never touches a finished file. The driver takes those that it was told of.
 *
 * @param settings by which rows were prepared
 */
record WriteShard(
    String workspace,
    ShardSchema schema,
    ShardBounds bounds,
    Broadcast<Tally.LineNumbers> lineNumbers,
    Categories categories,
    PreparerConfig settings,
    SerializableConfiguration configuration)
    implements Serializable {

  static final String QUARANTINE = "quarantine";

  /**
   * A file written by a task.
   *
   * @param name the name it is to have
   * @param written what was written, under the attempt's name
   */
  record Result(PlaceRows.Place place, String name, Shard written) implements Serializable {}

  byte[] write(int shard, Iterator<Tuple2<String, byte[]>> rows) throws IOException {
    PlaceRows.Place place = bounds.place(shard);
    int number = bounds.number(shard);
    long attempt = TaskContext.get().taskAttemptId();
    Result result =
        switch (place) {
          case TRAIN, EVAL -> {
            String stem =
                "%s-%05d".formatted(place == PlaceRows.Place.TRAIN ? "train" : "eval", number);
            yield new Result(
                place, stem + ".parquet", tokens("%s.%d.parquet".formatted(stem, attempt), rows));
          }
          case LEFT_OUT -> {
            String stem = "%s/rows-%05d".formatted(QUARANTINE, number);
            yield new Result(
                place, stem + ".jsonl", leftOut("%s.%d.jsonl".formatted(stem, attempt), rows));
          }
          case NOWHERE -> throw new IllegalStateException("blank lines have no shard");
        };
    return Tally.bytesOf(result);
  }

  private Shard tokens(String name, Iterator<Tuple2<String, byte[]>> rows) throws IOException {
    Map<String, Map<String, Integer>> numbers = categories.numbers();
    Iterator<ShardRow> shardRows =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return rows.hasNext();
          }

          @Override
          public ShardRow next() {
            Tuple2<String, byte[]> next = rows.next();
            CheckedRow.Ready row = (CheckedRow.Ready) RowCodec.decode(next._2());
            RowOrigin origin = row.origin();
            return new ShardRow(
                complete(numbered(row, numbers), next._1(), rows),
                origin.source(),
                origin.file(),
                lineNumbers.value().of(origin),
                row.row());
          }
        };
    return ShardWriter.write(new Path(workspace, name), schema, shardRows, hadoop());
  }

  /** The row's example, with the numbers of its names. */
  private static Example numbered(CheckedRow.Ready row, Map<String, Map<String, Integer>> numbers) {
    Example example = row.example();
    Map<String, Double> scalars = new LinkedHashMap<>(example.scalars());
    row.categories()
        .forEach((column, name) -> scalars.put(column, (double) numbers.get(column).get(name)));
    return new Example(
        example.key(), example.contentHash(), example.weight(), example.sequences(), scalars);
  }

  /** The row with the completion that follows it, where the shard's rows have one. */
  private Example complete(
      Example row, String sortKey, Iterator<Tuple2<String, byte[]>> following) {
    return schema.roles().contains(Declaration.MISMATCHED)
        ? settings.withOtherCompletion(
            row, Declaration.MISMATCHED, MismatchedRows.completionOf(sortKey, following))
        : row;
  }

  /** A JSON object per row: why it was left out, where it stands, and the row itself. */
  private Shard leftOut(String name, Iterator<Tuple2<String, byte[]>> rows) throws IOException {
    Path path = new Path(workspace, name);
    int count = 0;
    long bytes = 0;
    try (DigestOutputStream out = new DigestOutputStream(create(path), Publication.sha256())) {
      while (rows.hasNext()) {
        CheckedRow.LeftOut row = (CheckedRow.LeftOut) RowCodec.decode(rows.next()._2());
        byte[] line = (json(row) + "\n").getBytes(StandardCharsets.UTF_8);
        out.write(line);
        bytes += line.length;
        count++;
      }
      return new Shard(
          name, count, 0, bytes, HexFormat.of().formatHex(out.getMessageDigest().digest()));
    }
  }

  private String json(CheckedRow.LeftOut row) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("outcome", row.outcome().name().toLowerCase(java.util.Locale.ROOT));
    entry.put("reason", row.reason());
    entry.put("detail", row.detail());
    entry.put("source", row.origin().source());
    entry.put("file", row.origin().file());
    entry.put("row", lineNumbers.value().of(row.origin()));
    if (row.origin().side() > 0) {
      entry.put("side", row.origin().side() == 1 ? "chosen" : "rejected");
    }
    boolean malformed = row.reason().equals(CheckRows.MALFORMED);
    if (malformed) {
      entry.put("line", row.row());
    }
    String head = RowJson.write(entry);
    return malformed
        ? head
        : head.substring(0, head.length() - 1) + ",\"columns\":" + row.row() + "}";
  }

  private OutputStream create(Path path) throws IOException {
    return Storage.of(path, hadoop()).fileSystem().create(path, /* overwrite= */ true);
  }

  private Configuration hadoop() {
    return configuration.value();
  }

  /** The file as the index lists it. */
  static PublishedFile published(String name, Shard written) {
    return new PublishedFile(name, written.bytes(), written.sha256());
  }
}

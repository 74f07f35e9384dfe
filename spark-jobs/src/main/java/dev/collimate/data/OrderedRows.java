package dev.collimate.data;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/**
 * The rows of a source in input order, in pieces of a fixed number of rows: how Spark split the
 * input does not show.
 */
public final class OrderedRows implements AutoCloseable {

  /** Rows of a piece, that is of a task, and what a lost executor costs. */
  private static final int PIECE_ROWS = 64;

  private static final int SHOWN = 3;
  private static final char ROW = 'r';
  private static final char MALFORMED = 'm';

  private final JavaRDD<String> sorted;
  private final JavaPairRDD<Long, String> pieces;
  private final long count;

  private OrderedRows(JavaRDD<String> sorted, JavaPairRDD<Long, String> pieces, long count) {
    this.sorted = sorted;
    this.pieces = pieces;
    this.count = count;
  }

  /**
   * Reads and orders the rows.
   *
   * @param key the option that named the source, for messages
   * @throws CollimateException (usage) where there is no such file, (data) where a line is
   *     malformed or there are no rows
   */
  public static OrderedRows read(SparkSession session, String key, Source source)
      throws IOException {
    Input input = new Input(key, 0, source);
    JavaRDD<String> sorted =
        input
            .rows(session, /* inputOrder= */ false)
            .filter(row -> !(row instanceof InputRow.Blank))
            .mapToPair(row -> new Tuple2<>(SortKey.ofOrigin(row.origin()), text(row)))
            .sortByKey()
            .values()
            .persist(StorageLevel.MEMORY_AND_DISK());
    try {
      if (sorted.isEmpty()) {
        throw CollimateException.data("%s: there are no rows in '%s'".formatted(key, input.name()));
      }
      requireWellFormed(key, input.name(), sorted);
      return numbered(sorted);
    } catch (Exception e) {
      sorted.unpersist();
      throw SparkFailure.of("reading '" + input.name() + "'", e);
    }
  }

  /**
   * Rows that were made from others.
   *
   * @param rows in order, as {@link #json} writes them
   */
  public static OrderedRows of(JavaRDD<String> rows) throws IOException {
    JavaRDD<String> marked = rows.map(row -> ROW + row).persist(StorageLevel.MEMORY_AND_DISK());
    try {
      return numbered(marked);
    } catch (Exception e) {
      marked.unpersist();
      throw SparkFailure.of("making rows", e);
    }
  }

  private static OrderedRows numbered(JavaRDD<String> sorted) {
    long count = sorted.count();
    JavaPairRDD<Long, String> numbered =
        sorted.zipWithIndex().mapToPair(entry -> new Tuple2<>(entry._2(), entry._1()));
    return new OrderedRows(
        sorted, numbered.repartitionAndSortWithinPartitions(new Pieces(Math.max(1, count))), count);
  }

  private static String text(InputRow row) {
    return row instanceof InputRow.Malformed malformed
        ? MALFORMED + row.origin().place() + ": " + malformed.detail()
        : ROW + RowJson.write(((InputRow.Columns) row).values());
  }

  private static void requireWellFormed(String key, String name, JavaRDD<String> rows) {
    List<String> malformed =
        rows.filter(row -> row.charAt(0) == MALFORMED).map(row -> row.substring(1)).take(SHOWN);
    if (!malformed.isEmpty()) {
      throw CollimateException.data(
          "%s: '%s' has malformed rows (%s)".formatted(key, name, String.join("; ", malformed)));
    }
  }

  /** Number of rows. */
  public long count() {
    return count;
  }

  /** The first row. */
  public Map<String, Object> first() {
    return row(pieces.first()._2());
  }

  /** Rows by number from 0, in pieces. Read a row with {@link #row}. */
  public JavaPairRDD<Long, String> pieces() {
    return pieces;
  }

  /** The columns of a row of {@link #pieces()}. */
  public static Map<String, Object> row(String text) {
    return RowJson.readOwn(text.substring(1));
  }

  /** A row as JSON, as {@link #of} takes it. */
  public static Map<String, Object> read(String json) {
    return RowJson.readOwn(json);
  }

  /** A row as JSON on one line, in text that any encoding can carry. */
  public static String json(Map<String, Object> row) {
    return RowJson.write(row);
  }

  @Override
  public void close() {
    sorted.unpersist();
  }

  private static final class Pieces extends Partitioner implements Serializable {
    private final int pieces;

    Pieces(long rows) {
      pieces = Math.toIntExact((rows + PIECE_ROWS - 1) / PIECE_ROWS);
    }

    @Override
    public int numPartitions() {
      return pieces;
    }

    @Override
    public int getPartition(Object number) {
      return (int) ((Long) number / PIECE_ROWS);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Pieces same && same.pieces == pieces;
    }

    @Override
    public int hashCode() {
      return pieces;
    }
  }
}

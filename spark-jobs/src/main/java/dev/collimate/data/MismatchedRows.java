package dev.collimate.data;

import dev.collimate.CollimateException;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.stream.StreamSupport;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import scala.Tuple2;

/**
 * Finds for every row of a split the completion of another prompt. In the order of the rows'
 * content, from the last on to the first, it is that of the next row whose prompt differs, so it
 * depends on the split's rows alone. What is sorted is the completions, not the rows.
 */
final class MismatchedRows {

  /** What a row's sort key has behind it in the sort key of its other completion. */
  private static final String SUFFIX = "\u0000";

  private MismatchedRows() {}

  /**
   * A row as others see it.
   *
   * @param sortKey where it is going
   * @param prompt digest of its prompt's tokens
   * @param completion tokens
   */
  private record Candidate(String sortKey, Digest128 prompt, byte[] completion) {

    static Candidate of(String sortKey, Sequence sequence) {
      ByteBuffer prompt = ByteBuffer.allocate(sequence.promptLength() * Integer.BYTES);
      prompt.asIntBuffer().put(sequence.ids(), 0, sequence.promptLength());
      int[] ids = sequence.completion();
      ByteBuffer completion = ByteBuffer.allocate(ids.length * Integer.BYTES);
      completion.asIntBuffer().put(ids);
      return new Candidate(sortKey, Digest128.of(prompt.array()), completion.array());
    }

    byte[] toBytes() {
      byte[] key = sortKey.getBytes(StandardCharsets.ISO_8859_1);
      return ByteBuffer.allocate(Digest128.BYTES + Integer.BYTES + key.length + completion.length)
          .putLong(prompt.high())
          .putLong(prompt.low())
          .putInt(key.length)
          .put(key)
          .put(completion)
          .array();
    }

    static Candidate ofBytes(byte[] bytes) {
      ByteBuffer in = ByteBuffer.wrap(bytes);
      Digest128 prompt = new Digest128(in.getLong(), in.getLong());
      byte[] key = new byte[in.getInt()];
      in.get(key);
      byte[] completion = new byte[in.remaining()];
      in.get(completion);
      return new Candidate(new String(key, StandardCharsets.ISO_8859_1), prompt, completion);
    }
  }

  /**
   * The other completions, each behind its row where both are sorted.
   *
   * @param met the checked rows
   * @param split the place of the rows that are looked at
   * @param name of the split, for messages
   * @throws CollimateException of kind DATA where all of its rows have one prompt
   */
  static JavaPairRDD<String, byte[]> of(
      JavaSparkContext spark,
      JavaPairRDD<String, byte[]> met,
      PlaceRows placing,
      PlaceRows.Place split,
      String name) {
    JavaPairRDD<String, byte[]> ordered =
        met.mapPartitionsToPair(rows -> candidates(placing, split, rows))
            .repartitionAndSortWithinPartitions(new MeetingPoint(met.getNumPartitions()));
    List<byte[][]> heads =
        ordered.mapPartitions(rows -> Collections.singleton(head(rows)).iterator()).collect();
    Broadcast<List<byte[][]>> following = spark.broadcast(following(heads, name));
    return ordered
        .mapPartitionsWithIndex(
            (part, rows) -> new Matches(rows, following.value().get(part)),
            /* preservesPartitioning= */ false)
        .mapToPair(match -> match);
  }

  private static Iterator<Tuple2<String, byte[]>> candidates(
      PlaceRows placing, PlaceRows.Place split, Iterator<Tuple2<String, byte[]>> rows) {
    Iterable<PlaceRows.Placed> placed = () -> placing.place(rows);
    return StreamSupport.stream(placed.spliterator(), false)
        .filter(row -> row.place() == split)
        .map(row -> candidate(placing.sortKey(row), ((CheckedRow.Ready) row.row()).example()))
        .iterator();
  }

  /** Copies of a row share its content; their keys tell them apart. */
  private static Tuple2<String, byte[]> candidate(String sortKey, Example row) {
    String content =
        SortKey.ofHash(Digest128.ofHex(row.contentHash()))
            + SortKey.ofHash(Digest128.of(row.key()));
    Sequence sequence = row.sequences().values().iterator().next();
    return new Tuple2<>(content, Candidate.of(sortKey, sequence).toBytes());
  }

  /** The first row of a part and the first one after it with another prompt, as far as there. */
  private static byte[][] head(Iterator<Tuple2<String, byte[]>> rows) {
    if (!rows.hasNext()) {
      return new byte[0][];
    }
    byte[] first = rows.next()._2();
    Digest128 prompt = Candidate.ofBytes(first).prompt();
    while (rows.hasNext()) {
      byte[] row = rows.next()._2();
      if (!Candidate.ofBytes(row).prompt().equals(prompt)) {
        return new byte[][] {first, row};
      }
    }
    return new byte[][] {first};
  }

  /**
   * For each part the first row after its end, and the first one after that with another prompt.
   */
  private static List<byte[][]> following(List<byte[][]> heads, String name) {
    List<byte[][]> following = new ArrayList<>();
    for (int part = 0; part < heads.size(); part++) {
      List<byte[]> found = new ArrayList<>();
      for (int ahead = 1; ahead <= heads.size() && found.size() < 2; ahead++) {
        for (byte[] row : heads.get((part + ahead) % heads.size())) {
          if (found.isEmpty() || (found.size() == 1 && differ(found.get(0), row))) {
            found.add(row);
          }
        }
      }
      if (found.size() == 1) {
        throw CollimateException.data(
            name
                + ": all rows have one prompt, and the objective needs the completion of another prompt for each;"
                + " give rows of at least two prompts");
      }
      following.add(found.toArray(byte[][]::new));
    }
    return following;
  }

  private static boolean differ(byte[] one, byte[] other) {
    return !Candidate.ofBytes(one).prompt().equals(Candidate.ofBytes(other).prompt());
  }

  /** Rows of a part wait until one with another prompt comes by. */
  private static final class Matches implements Iterator<Tuple2<String, byte[]>> {
    private final Iterator<Tuple2<String, byte[]>> rows;
    private final byte[][] following;
    private final ArrayDeque<String> waiting = new ArrayDeque<>();
    private Candidate last;
    private final ArrayDeque<String> matched = new ArrayDeque<>();
    private byte[] completion;

    Matches(Iterator<Tuple2<String, byte[]>> rows, byte[][] following) {
      this.rows = rows;
      this.following = following;
    }

    @Override
    public boolean hasNext() {
      while (matched.isEmpty() && rows.hasNext()) {
        Candidate row = Candidate.ofBytes(rows.next()._2());
        match(row);
        waiting.add(row.sortKey());
        last = row;
      }
      for (int i = 0; i < following.length && matched.isEmpty() && !waiting.isEmpty(); i++) {
        match(Candidate.ofBytes(following[i]));
      }
      return !matched.isEmpty();
    }

    /** Gives the row's completion to those that wait, where their prompt is another one. */
    private void match(Candidate row) {
      if (!waiting.isEmpty() && !row.prompt().equals(last.prompt())) {
        completion = row.completion();
        matched.addAll(waiting);
        waiting.clear();
      }
    }

    @Override
    public Tuple2<String, byte[]> next() {
      return new Tuple2<>(matched.remove() + SUFFIX, completion);
    }
  }

  /**
   * The completion that follows a row, both sorted.
   *
   * @param rows whose next one it is
   */
  static int[] completionOf(String sortKey, Iterator<Tuple2<String, byte[]>> rows) {
    Tuple2<String, byte[]> next = rows.hasNext() ? rows.next() : new Tuple2<>("", new byte[0]);
    if (!next._1().equals(sortKey + SUFFIX)) {
      throw new IllegalStateException("a row is not followed by a completion of another prompt");
    }
    int[] ids = new int[next._2().length / Integer.BYTES];
    ByteBuffer.wrap(next._2()).asIntBuffer().get(ids);
    return ids;
  }
}

package dev.collimate.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.PrivilegedAction;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * What a driver knows of every row of a split without its tokens, as plain arrays: about 60 bytes a
 * row for pairs.
 */
public final class RowFacts {

  private final int count;
  private final long[] keyHigh;
  private final long[] keyLow;
  private final long[] contentHigh;
  private final long[] contentLow;
  private final double[] weights;
  private final int[] sharedTokens;
  private final Map<String, int[]> lengths = new LinkedHashMap<>();
  private final Map<String, int[]> countedTokens = new LinkedHashMap<>();
  private final Map<String, double[]> scalars = new LinkedHashMap<>();

  private RowFacts(int count, List<String> roles, List<String> scalarNames) {
    this.count = count;
    this.keyHigh = new long[count];
    this.keyLow = new long[count];
    this.contentHigh = new long[count];
    this.contentLow = new long[count];
    this.weights = new double[count];
    this.sharedTokens = new int[count];
    for (String role : roles) {
      lengths.put(role, new int[count]);
      countedTokens.put(role, new int[count]);
    }
    for (String name : scalarNames) {
      scalars.put(name, new double[count]);
    }
  }

  /** Reads the narrow columns of all shards of a split. */
  public static RowFacts load(
      PreparedData data, PreparedData.Split split, Configuration configuration) {
    UserGroupInformation user = user();
    int[] firstRows = data.firstRows(split);
    RowFacts facts =
        new RowFacts(firstRows[firstRows.length - 1], data.index().roles(), data.index().scalars());
    // Shards fill disjoint parts of the arrays. The threads of the common pool would read as the
    // process's own user, not as the one that Hadoop was told.
    IntStream.range(0, firstRows.length - 1)
        .parallel()
        .forEach(
            shard ->
                user.doAs(
                    (PrivilegedAction<Void>)
                        () -> {
                          facts.fill(data, split, shard, firstRows[shard], configuration);
                          return null;
                        }));
    return facts;
  }

  private static UserGroupInformation user() {
    try {
      return UserGroupInformation.getCurrentUser();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tell Hadoop's user", e);
    }
  }

  private void fill(
      PreparedData data,
      PreparedData.Split split,
      int shard,
      int firstRow,
      Configuration configuration) {
    ShardSchema schema = data.schema();
    Shard entry = data.shards(split).get(shard);
    try (ShardFile file =
        ShardFile.open(new Path(data.folder()), entry, schema, schema.facts(), configuration)) {
      int first = firstRow;
      for (int number = 0; number < file.groups(); number++) {
        RowGroup group = file.group(number);
        int rows = group.rows();
        System.arraycopy(group.longs(ShardSchema.KEY_HIGH), 0, keyHigh, first, rows);
        System.arraycopy(group.longs(ShardSchema.KEY_LOW), 0, keyLow, first, rows);
        System.arraycopy(group.doubles(ShardSchema.WEIGHT), 0, weights, first, rows);
        System.arraycopy(group.ints(ShardSchema.SHARED_TOKENS), 0, sharedTokens, first, rows);
        String[] contents = group.texts(ShardSchema.CONTENT_HASH);
        for (int row = 0; row < rows; row++) {
          Digest128 content = Digest128.ofHex(contents[row]);
          contentHigh[first + row] = content.high();
          contentLow[first + row] = content.low();
        }
        for (String role : schema.roles()) {
          System.arraycopy(group.ints(ShardSchema.length(role)), 0, lengths.get(role), first, rows);
          System.arraycopy(
              group.ints(ShardSchema.counted(role)), 0, countedTokens.get(role), first, rows);
        }
        for (String name : schema.scalars()) {
          System.arraycopy(
              group.doubles(ShardSchema.scalar(name)), 0, scalars.get(name), first, rows);
        }
        first += rows;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read shard '" + entry.file() + "'", e);
    }
  }

  /** Number of rows. */
  public int count() {
    return count;
  }

  public Digest128 keyHash(int row) {
    return new Digest128(keyHigh[row], keyLow[row]);
  }

  /** Hash of the row's sequences; rows with equal tokens share it. */
  public Digest128 contentHash(int row) {
    return new Digest128(contentHigh[row], contentLow[row]);
  }

  public double weight(int row) {
    return weights[row];
  }

  /** Tokens of a sequence, prompt included. */
  public int length(String role, int row) {
    return lengths.get(role)[row];
  }

  /** Tokens of a sequence whose log-probability counts. */
  public int countedTokens(String role, int row) {
    return countedTokens.get(role)[row];
  }

  /** Tokens that the row's sequences begin with and that can be computed once for all. */
  public int sharedTokens(int row) {
    return sharedTokens[row];
  }

  /** A number of the row, NaN where it has none. */
  public double scalar(String name, int row) {
    return scalars.get(name)[row];
  }

  /** All sequences of all rows together, prompts counted each time. */
  public long tokens() {
    return lengths.values().stream().flatMapToInt(IntStream::of).asLongStream().sum();
  }
}

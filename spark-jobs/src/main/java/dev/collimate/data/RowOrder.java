package dev.collimate.data;

import java.util.stream.IntStream;

/**
 * The order of an epoch: rows sorted by hash(seed, epoch, key), then by key. It depends on nothing
 * else, so partitions and executors cannot change it.
 */
public final class RowOrder {

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private RowOrder() {}

  /**
   * Where a row sorts in an epoch, compared as an unsigned number; equal ranks (one chance in 2^64
   * per pair) are told apart by the key's hash.
   */
  public static long rank(long seed, int epoch, Digest128 key) {
    long hash = mix(seed + GOLDEN_GAMMA);
    hash = mix(hash ^ (epoch + GOLDEN_GAMMA));
    hash = mix(hash ^ key.high());
    return mix(hash ^ key.low());
  }

  /**
   * The rows in the order of an epoch.
   *
   * @return row indices; for epoch 0 of a shuffled data set 0, 1, 2, …, since its shards lie in
   *     that order
   */
  public static int[] permutation(long seed, int epoch, RowFacts rows) {
    long[] ranks = new long[rows.count()];
    for (int row = 0; row < ranks.length; row++) {
      ranks[row] = rank(seed, epoch, rows.keyHash(row));
    }
    return IntStream.range(0, ranks.length)
        .boxed()
        .sorted(
            (a, b) -> {
              int byRank = Long.compareUnsigned(ranks[a], ranks[b]);
              return byRank != 0 ? byRank : rows.keyHash(a).compareTo(rows.keyHash(b));
            })
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}

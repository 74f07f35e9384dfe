package dev.collimate.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Random numbers by position: the value at an index depends on seed, name and index alone, so
 * tensors can be drawn in any order and in pieces. Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", 2011); its key is the first eight bytes of SHA-256 of the seed
 * (big- endian) and the name, its counter is {@code index / 2} or, for uniform numbers, {@code
 * index / 4}.
 */
final class CounterRandom {

  private static final int ROUNDS = 10;

  private final int key0;
  private final int key1;

  CounterRandom(long seed, String name) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer input = ByteBuffer.allocate(Long.BYTES + text.length).putLong(seed).put(text);
    try {
      ByteBuffer hash = ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(input.array()));
      key0 = hash.getInt();
      key1 = hash.getInt();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Java always has SHA-256", e);
    }
  }

  /** Uniform in [0, 1), a multiple of 2^-32. */
  double uniform(long index) {
    return unsigned(block(key0, key1, index >>> 2)[(int) (index & 3)]) * 0x1p-32;
  }

  /**
   * Standard normal, by Box and Muller's transform in float64: two 64-bit draws of a block make the
   * values at an even index and the one after it.
   */
  double normal(long index) {
    int[] block = block(key0, key1, index >>> 1);
    // In (0, 1]: the logarithm of 0 is not finite.
    double radius = (((unsigned(block[0]) << 20) | (unsigned(block[1]) >>> 12)) + 1) * 0x1p-52;
    double angle = ((unsigned(block[2]) << 20) | (unsigned(block[3]) >>> 12)) * 0x1p-52;
    double length = StrictMath.sqrt(-2 * StrictMath.log(radius));
    return (index & 1) == 0
        ? length * StrictMath.cos(2 * Math.PI * angle)
        : length * StrictMath.sin(2 * Math.PI * angle);
  }

  private static long unsigned(int bits) {
    return bits & 0xffffffffL;
  }

  /** One Philox4x32-10 block with the counter in the lower two of four words. */
  static int[] block(int key0, int key1, long counter) {
    return block(key0, key1, new int[] {(int) counter, (int) (counter >>> 32), 0, 0});
  }

  static int[] block(int key0, int key1, int[] counter) {
    int[] x = counter.clone();
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = 0xD2511F53L * unsigned(x[0]);
      long product1 = 0xCD9E8D57L * unsigned(x[2]);
      x =
          new int[] {
            (int) (product1 >>> 32) ^ x[1] ^ key0,
            (int) product1,
            (int) (product0 >>> 32) ^ x[3] ^ key1,
            (int) product0
          };
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    return x;
  }
}

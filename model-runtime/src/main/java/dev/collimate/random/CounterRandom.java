package dev.collimate.random;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Random numbers by position: entry i of a stream is a hash of the stream's key and i, so it is the
 * same whatever was drawn before it (Steele, Lea and Flood's SplitMix64, entered at any point).
 */
public final class CounterRandom {

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private final long key;

  CounterRandom(long key) {
    this.key = key;
  }

  /** The stream of a seed and a name. */
  public static CounterRandom of(long seed, String name) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      sha256.update(ByteBuffer.allocate(Long.BYTES).putLong(0, seed));
      byte[] hash = sha256.digest(name.getBytes(StandardCharsets.UTF_8));
      return new CounterRandom(ByteBuffer.wrap(hash).getLong());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The stream of a number inside this one. */
  public CounterRandom child(long number) {
    return new CounterRandom(mix(mix(key) + number * GOLDEN_GAMMA));
  }

  /** Entry {@code index}, uniform in [0, 1), with 53 bits. */
  public double uniform(long index) {
    return (mix(key + (index + 1) * GOLDEN_GAMMA) >>> 11) * 0x1.0p-53;
  }

  /**
   * Entry {@code index}, standard normal: Box and Muller's transform in float64 makes the values at
   * an even index and the one after it from the two uniform entries there.
   */
  public double normal(long index) {
    long even = index & ~1L;
    // In (0, 1]: the logarithm of 0 is not finite.
    double radius = 1 - uniform(even);
    double angle = 2 * Math.PI * uniform(even + 1);
    double length = StrictMath.sqrt(-2 * StrictMath.log(radius));
    return length * (index == even ? StrictMath.cos(angle) : StrictMath.sin(angle));
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}

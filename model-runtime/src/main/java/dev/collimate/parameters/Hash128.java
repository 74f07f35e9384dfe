package dev.collimate.parameters;

/**
 * A 128-bit hash of a vector's bits and of the bytes that go with it. It tells different results
 * apart (any single changed entry is always seen); it is no defence against forgery.
 */
public record Hash128(long high, long low) {

  private static final long A = 0x9E3779B97F4A7C15L;
  private static final long B = 0xC2B2AE3D27D4EB4FL;
  private static final long C = 0x165667B19E3779F9L;
  private static final long D = 0xD6E8FEB86659FD93L;

  /** The hash of the vector's float32 bits (so -0.0 and 0.0 differ) followed by the bytes. */
  public static Hash128 of(FlatVector vector, byte[] bytes) {
    // Two independent hashes (a and b, c and d) of all the bits: what cancels in one with its
    // rotation does not cancel in the other. Two lanes each keep the multiplier busy.
    long[] lanes = {A, B, C, D};
    for (int i = 0; i < vector.blockCount(); i++) {
      mix(vector.block(i), lanes);
    }
    for (byte value : bytes) {
      lanes[1] = Long.rotateLeft(lanes[1] ^ value, 27) * B;
      lanes[3] = Long.rotateLeft(lanes[3] ^ value, 41) * D;
    }
    return new Hash128(
        join(lanes[0], lanes[1], vector.size(), bytes.length),
        join(lanes[3], lanes[2], bytes.length, vector.size()));
  }

  /** A method of its own, called block by block, so that it is compiled within the first vector. */
  private static void mix(float[] block, long[] lanes) {
    long a = lanes[0];
    long b = lanes[1];
    long c = lanes[2];
    long d = lanes[3];
    int j = 0;
    for (; j + 4 <= block.length; j += 4) {
      long even = pair(block, j);
      long odd = pair(block, j + 2);
      a = Long.rotateLeft(a ^ even, 27) * A;
      b = Long.rotateLeft(b ^ odd, 27) * B;
      c = Long.rotateLeft(c ^ even, 41) * C;
      d = Long.rotateLeft(d ^ odd, 41) * D;
    }
    for (; j < block.length; j++) {
      long single = Float.floatToRawIntBits(block[j]);
      a = Long.rotateLeft(a ^ single, 27) * A;
      c = Long.rotateLeft(c ^ single, 41) * C;
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
  }

  private static long pair(float[] block, int index) {
    return ((long) Float.floatToRawIntBits(block[index]) << 32)
        | (Float.floatToRawIntBits(block[index + 1]) & 0xFFFFFFFFL);
  }

  /** A bijection of each argument while the others stay. */
  private static long join(long first, long second, long third, long fourth) {
    return finish(finish(finish(finish(first) ^ second) ^ third) ^ fourth);
  }

  private static long finish(long value) {
    value = (value ^ (value >>> 32)) * A;
    value = (value ^ (value >>> 29)) * B;
    return value ^ (value >>> 32);
  }
}

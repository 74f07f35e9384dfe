package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import org.apache.spark.sql.catalyst.expressions.XXH64;
import org.apache.spark.unsafe.Platform;

/**
 * XXH64 of a vector's bits and of the bytes that go with it. It tells different results apart but
 * for a chance of about 2^-64; it is no defence against forgery.
 */
record ResultHash(long bits) {

  /** The hash of the vector's float32 bits (so -0.0 and 0.0 differ) followed by the bytes. */
  static ResultHash of(FlatVector vector, byte[] bytes) {
    // Each part seeds the next one's, its length first, so that nothing moves between parts unseen.
    long hash = XXH64.hashLong(vector.size(), bytes.length);
    for (int i = 0; i < vector.blockCount(); i++) {
      float[] block = vector.block(i);
      int length = block.length * Float.BYTES;
      hash = XXH64.hashUnsafeBytes(block, Platform.FLOAT_ARRAY_OFFSET, length, hash);
    }
    return new ResultHash(
        XXH64.hashUnsafeBytes(bytes, Platform.BYTE_ARRAY_OFFSET, bytes.length, hash));
  }
}

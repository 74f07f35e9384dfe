package dev.collimate.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Sort keys as strings of bytes (one character each, 0 to 255), which every serializer carries and
 * whose natural order is that of the bytes.
 */
final class SortKey {

  private SortKey() {}

  /** Orders rows of one epoch. */
  static String ofRank(long rank, Digest128 key) {
    return latin(
        ByteBuffer.allocate(Long.BYTES + Digest128.BYTES)
            .putLong(rank)
            .putLong(key.high())
            .putLong(key.low()));
  }

  static String ofHash(Digest128 hash) {
    return latin(ByteBuffer.allocate(Digest128.BYTES).putLong(hash.high()).putLong(hash.low()));
  }

  /** Orders rows as they stand in the input. */
  static String ofOrigin(RowOrigin origin) {
    byte[] file = origin.file().getBytes(StandardCharsets.UTF_8);
    // UTF-8 has the order of code points, and a 0 ends a name before any longer one.
    return latin(
        ByteBuffer.allocate(Integer.BYTES + file.length + 1 + 2 * Long.BYTES)
            .putInt(origin.source())
            .put(file)
            .put((byte) 0)
            .putLong(origin.block())
            .putLong(origin.index()));
  }

  private static String latin(ByteBuffer bytes) {
    return new String(bytes.array(), StandardCharsets.ISO_8859_1);
  }
}

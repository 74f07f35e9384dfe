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
    byte[] bytes = new byte[Long.BYTES + Digest128.BYTES];
    ByteBuffer.wrap(bytes).putLong(rank).putLong(key.high()).putLong(key.low());
    return latin(bytes);
  }

  static String ofHash(Digest128 hash) {
    byte[] bytes = new byte[Digest128.BYTES];
    ByteBuffer.wrap(bytes).putLong(hash.high()).putLong(hash.low());
    return latin(bytes);
  }

  /** Orders rows as they stand in the input. */
  static String ofOrigin(RowOrigin origin) {
    byte[] file = origin.file().getBytes(StandardCharsets.UTF_8);
    // UTF-8 has the order of code points, and a 0 ends a name before any longer one.
    byte[] bytes = new byte[Integer.BYTES + file.length + 1 + 2 * Long.BYTES + 1];
    ByteBuffer.wrap(bytes)
        .putInt(origin.source())
        .put(file)
        .put((byte) 0)
        .putLong(origin.block())
        .putLong(origin.index())
        .put((byte) origin.side());
    return latin(bytes);
  }

  private static String latin(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}

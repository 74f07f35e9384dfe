package dev.collimate.aggregate;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC32C of one block of a vector on its way. What the block belongs to goes into it too, so that a
 * right block in the wrong place is noticed.
 */
final class BlockChecksum {

  /** Bytes of a checksum on the wire. */
  static final int BYTES = 4;

  /** Turns a checksum into the word of a sender that has nothing to say any more. */
  static final int RETIRED = 0x5A5AA5A5;

  private final long context;
  private final CRC32C crc = new CRC32C();

  /**
   * @param context the version of parameters, or the lease of a gradient
   */
  BlockChecksum(long context) {
    this.context = context;
  }

  void start(int block) {
    crc.reset();
    ByteBuffer place = ByteBuffer.allocate(12).putLong(context).putInt(block);
    crc.update(place.flip());
  }

  /** Reads the buffer to its end. */
  void update(ByteBuffer bytes) {
    crc.update(bytes);
  }

  int value() {
    return (int) crc.getValue();
  }
}

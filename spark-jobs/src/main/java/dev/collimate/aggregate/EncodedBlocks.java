package dev.collimate.aggregate;

import io.netty.buffer.ByteBuf;

/**
 * Encodes a served version once for the workers that are at about the same block, by holding the
 * last {@value #SLOTS} or so. Whoever is further behind has his blocks encoded anew. Safe for
 * several threads.
 */
final class EncodedBlocks {

  /**
   * 32 MiB of float32, however many workers there are: more than the sockets of one worker hold,
   * which is what it can be ahead of another that reads as fast.
   */
  private static final int SLOTS = 128;

  private final BlockEncoder encoder;
  private final Slot[] slots = new Slot[SLOTS];
  private volatile boolean closed;

  EncodedBlocks(BlockEncoder encoder) {
    this.encoder = encoder;
    for (int i = 0; i < SLOTS; i++) {
      slots[i] = new Slot();
    }
  }

  BlockEncoder encoder() {
    return encoder;
  }

  /** The block as {@link BlockEncoder#encode} makes it; the caller releases it. */
  ByteBuf get(int index) {
    return slots[index % SLOTS].get(index);
  }

  /** Holds nothing from now on; what was handed out stays good. */
  void close() {
    closed = true;
    for (Slot slot : slots) {
      slot.clear();
    }
  }

  private final class Slot {
    private int index = -1;
    private ByteBuf block;

    /** A second asker waits for the first one's encoding, which is shorter than its own. */
    private synchronized ByteBuf get(int wanted) {
      if (index != wanted) {
        ByteBuf fresh = encoder.encode(wanted);
        if (closed) {
          return fresh;
        }
        clear();
        index = wanted;
        block = fresh;
      }
      return block.retainedDuplicate();
    }

    private synchronized void clear() {
      if (index >= 0) {
        index = -1;
        block.release();
      }
    }
  }
}

package dev.collimate.aggregate;

import io.netty.buffer.ByteBuf;

/**
 * Encodes what is served once for the workers that are at about the same block, by holding the last
 * {@value #SLOTS} blocks or so, of whatever version. Whoever is further behind has his blocks
 * encoded anew. Safe for several threads.
 */
final class EncodedBlocks {

  /**
   * 32 MiB of float32, however many workers there are: more than the sockets of one worker hold,
   * which is what it can be ahead of another that reads as fast. It is kept from version to
   * version: memory that is given back has to be mapped, page by page, the next time.
   */
  private static final int SLOTS = 128;

  private final Slot[] slots = new Slot[SLOTS];
  private volatile boolean closed;

  EncodedBlocks() {
    for (int i = 0; i < SLOTS; i++) {
      slots[i] = new Slot();
    }
  }

  /** The block as {@link BlockEncoder#encode} makes it; the caller releases it. */
  ByteBuf get(BlockEncoder encoder, int index) {
    return slots[index % SLOTS].get(encoder, index);
  }

  /** Holds nothing from now on; what was handed out stays good. */
  void close() {
    closed = true;
    for (Slot slot : slots) {
      slot.clear();
    }
  }

  private final class Slot {
    // No two servings of a version have equal ones, for each asks whether it itself is retired.
    private BlockEncoder encoder;
    private int index;
    private ByteBuf block;

    /** A second asker waits for the first one's encoding, which is shorter than its own. */
    private synchronized ByteBuf get(BlockEncoder wanted, int wantedIndex) {
      if (!wanted.equals(encoder) || index != wantedIndex) {
        ByteBuf fresh = wanted.encode(wantedIndex);
        if (closed) {
          return fresh;
        }
        clear();
        encoder = wanted;
        index = wantedIndex;
        block = fresh;
      }
      return block.retainedDuplicate();
    }

    private synchronized void clear() {
      if (encoder != null) {
        encoder = null;
        block.release();
      }
    }
  }
}

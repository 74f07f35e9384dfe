package dev.collimate.parameters;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.ObjIntConsumer;

/**
 * A float32 vector of any length, kept in blocks of {@value #BLOCK} entries. The block size is part
 * of every result's identity: norms and updates run block by block in this order.
 */
public final class FlatVector {

  /** Entries per block; only the last block may be shorter. */
  public static final int BLOCK = 65_536;

  private final long size;
  private final float[][] blocks;

  public FlatVector(long size) {
    if (size < 0) {
      throw new IllegalArgumentException("size must be >= 0, got " + size);
    }
    this.size = size;
    int count = Math.toIntExact((size + BLOCK - 1) / BLOCK);
    blocks = new float[count][];
    for (int i = 0; i < count; i++) {
      blocks[i] = new float[(int) Math.min(BLOCK, size - (long) i * BLOCK)];
    }
  }

  public long size() {
    return size;
  }

  public int blockCount() {
    return blocks.length;
  }

  /** The block itself, not a copy. */
  public float[] block(int index) {
    return blocks[index];
  }

  public float get(long index) {
    return blocks[(int) (index / BLOCK)][(int) (index % BLOCK)];
  }

  public void set(long index, float value) {
    blocks[(int) (index / BLOCK)][(int) (index % BLOCK)] = value;
  }

  /** Copies {@code values.remaining()} entries from the buffer to {@code offset} on. */
  public void put(long offset, FloatBuffer values) {
    while (values.hasRemaining()) {
      float[] block = blocks[(int) (offset / BLOCK)];
      int start = (int) (offset % BLOCK);
      int count = Math.min(block.length - start, values.remaining());
      values.get(block, start, count);
      offset += count;
    }
  }

  /**
   * The same, by several threads; the buffer's position stays.
   *
   * @param threads how many share the entries
   */
  public void put(long offset, FloatBuffer values, int threads) {
    inSlices(values, threads, (slice, start) -> put(offset + start, slice));
  }

  /** Fills the buffer's remaining space with the entries from {@code offset} on. */
  public void get(long offset, FloatBuffer into) {
    while (into.hasRemaining()) {
      float[] block = blocks[(int) (offset / BLOCK)];
      int start = (int) (offset % BLOCK);
      int count = Math.min(block.length - start, into.remaining());
      into.put(block, start, count);
      offset += count;
    }
  }

  /**
   * The same, by several threads; the buffer's position stays.
   *
   * @param threads how many share the entries
   */
  public void get(long offset, FloatBuffer into, int threads) {
    inSlices(into, threads, (slice, start) -> get(offset + start, slice));
  }

  private static void inSlices(FloatBuffer buffer, int threads, ObjIntConsumer<FloatBuffer> work) {
    int count = buffer.remaining();
    Blocks.run(
        (count + BLOCK - 1) / BLOCK,
        threads,
        i -> {
          int start = i * BLOCK;
          int length = Math.min(BLOCK, count - start);
          work.accept(buffer.slice(buffer.position() + start, length), start);
        });
  }

  /** Adds the other vector entry by entry, in float32: {@code this = this + other}. */
  public void add(FlatVector other) {
    add(other, 1);
  }

  /**
   * The same, to the same bits.
   *
   * @param threads how many share the blocks
   */
  public void add(FlatVector other, int threads) {
    requireSameSize(other);
    Blocks.run(blocks.length, threads, block -> add(blocks[block], other.blocks[block]));
  }

  private static void add(float[] mine, float[] theirs) {
    for (int i = 0; i < mine.length; i++) {
      mine[i] += theirs[i];
    }
  }

  /** Sets every entry. */
  public void fill(float value) {
    fill(0, value);
  }

  /** Sets every entry from {@code first} on. */
  public void fill(long first, float value) {
    long i = first;
    while (i < size) {
      float[] block = blocks[(int) (i / BLOCK)];
      int start = (int) (i % BLOCK);
      Arrays.fill(block, start, block.length, value);
      i += block.length - start;
    }
  }

  public void copyFrom(FlatVector other) {
    requireSameSize(other);
    for (int i = 0; i < blocks.length; i++) {
      System.arraycopy(other.blocks[i], 0, blocks[i], 0, blocks[i].length);
    }
  }

  public FlatVector copy() {
    FlatVector copy = new FlatVector(size);
    copy.copyFrom(this);
    return copy;
  }

  private void requireSameSize(FlatVector other) {
    if (other.size != size) {
      throw new IllegalArgumentException("sizes differ: " + size + " and " + other.size);
    }
  }
}

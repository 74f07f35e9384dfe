package dev.collimate.parameters;

import java.util.ArrayDeque;

/**
 * Vectors of one size, used again and again, so that a step allocates none. Safe for several
 * threads. What a taken vector holds is left over from its last use.
 */
public final class VectorPool {

  private final long size;
  private final ArrayDeque<FlatVector> free = new ArrayDeque<>();
  private int lent;
  private int peak;

  /**
   * @param size entries of each vector
   */
  public VectorPool(long size) {
    this.size = size;
  }

  public long vectorSize() {
    return size;
  }

  public synchronized FlatVector take() {
    lent++;
    peak = Math.max(peak, lent);
    FlatVector vector = free.poll();
    return vector == null ? new FlatVector(size) : vector;
  }

  public synchronized void giveBack(FlatVector vector) {
    if (vector.size() != size) {
      throw new IllegalArgumentException(
          "the pool holds vectors of " + size + " entries, got one of " + vector.size());
    }
    lent--;
    free.push(vector);
  }

  /** Vectors taken and not given back. */
  public synchronized int lent() {
    return lent;
  }

  /** The most vectors lent at one time since the last call. */
  public synchronized int takePeak() {
    int result = peak;
    peak = lent;
    return result;
  }
}

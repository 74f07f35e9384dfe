package dev.collimate.bench;

import dev.collimate.parameters.FlatVector;
import java.util.ArrayList;
import java.util.List;

/** The bytes of a step, copied in memory between vectors that no cache holds together. */
final class MemoryCopies {

  private static final long COLD_BYTES = 512L << 20;

  private final List<FlatVector> vectors = new ArrayList<>();
  private final int copies;
  private int next;

  /**
   * @param copies of the vector that a step moves: for each worker one out and one back
   */
  MemoryCopies(long size, int copies) {
    this.copies = copies;
    long count = Math.max(2, Math.min(64, COLD_BYTES / Math.max(1, size * Float.BYTES)));
    for (int i = 0; i < count; i++) {
      vectors.add(GivenGradient.numbers(size, i));
    }
  }

  /** Copies once and returns the seconds it took. */
  double step() {
    long begin = System.nanoTime();
    for (int i = 0; i < copies; i++) {
      FlatVector from = vectors.get(next % vectors.size());
      vectors.get(++next % vectors.size()).copyFrom(from);
    }
    return (System.nanoTime() - begin) / 1e9;
  }
}

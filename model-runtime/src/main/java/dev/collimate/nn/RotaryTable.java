package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.checkpoint.Rope;

/**
 * Cosines and sines of the rotary angles of positions 0, 1, 2 and on, computed in Java so that they
 * are the same everywhere; grows when a longer sequence asks for it.
 */
final class RotaryTable implements AutoCloseable {

  private static final int SMALLEST = 256;

  private final PtNDManager manager;
  private final float[] inverseFrequencies;
  private final int headDim;
  private PtNDManager tables;
  private PtNDArray cos;
  private PtNDArray sin;
  private int positions;

  RotaryTable(PtNDManager manager, Rope rope, int headDim) {
    this.manager = manager;
    this.headDim = headDim;
    inverseFrequencies = rope.inverseFrequencies(headDim);
  }

  /** Returns the cosines [count, head_dim] of the first positions, on {@code owner}. */
  PtNDArray cos(PtNDManager owner, int count) {
    reserve(count);
    return first(owner, cos, count);
  }

  /** Returns the sines [count, head_dim] of the first positions, on {@code owner}. */
  PtNDArray sin(PtNDManager owner, int count) {
    reserve(count);
    return first(owner, sin, count);
  }

  @Override
  public void close() {
    if (tables != null) {
      tables.close();
    }
  }

  private static PtNDArray first(PtNDManager owner, PtNDArray table, int count) {
    PtNDArray rows = (PtNDArray) table.get("0:" + count);
    rows.attach(owner);
    return rows;
  }

  private void reserve(int count) {
    if (count <= positions) {
      return;
    }
    close();
    positions = Math.max(SMALLEST, Integer.highestOneBit(count - 1) * 2);
    float[] cosines = new float[positions * headDim];
    float[] sines = new float[positions * headDim];
    int half = headDim / 2;
    for (int position = 0; position < positions; position++) {
      for (int i = 0; i < half; i++) {
        float angle = position * inverseFrequencies[i];
        int entry = position * headDim + i;
        cosines[entry] = (float) StrictMath.cos(angle);
        sines[entry] = (float) StrictMath.sin(angle);
        cosines[entry + half] = cosines[entry];
        sines[entry + half] = sines[entry];
      }
    }
    tables = (PtNDManager) manager.newSubManager();
    Shape shape = new Shape(positions, headDim);
    cos = (PtNDArray) tables.create(cosines, shape);
    sin = (PtNDArray) tables.create(sines, shape);
  }
}

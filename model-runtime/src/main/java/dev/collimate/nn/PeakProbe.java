package dev.collimate.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;

/**
 * What the engine's device does at best: reads memory, and multiplies matrices as a decoder does.
 * Floors to hold times against. One thread at a time.
 */
public final class PeakProbe implements AutoCloseable {

  private static final long LARGEST_READ = 1L << 30;

  private final PtNDManager manager;
  private final Kernels kernels;
  private final boolean bfloat16;
  private final PtNDArray memory;
  private final PtNDArray left;
  private final PtNDArray right;

  /**
   * @param bytes that a read is to stand for, so that what a cache holds of them is held here too;
   *     above 1 GiB that many are read
   * @param size rows and columns of both matrices
   */
  public PeakProbe(Precision precision, long bytes, int size) {
    Engine.prepareThread();
    kernels = Engine.current().kernels();
    manager = Engine.current().newManager();
    bfloat16 = precision == Precision.BFLOAT16;
    long entries = Math.max(1, Math.min(LARGEST_READ, bytes) / Float.BYTES);
    memory = (PtNDArray) manager.zeros(new Shape(entries), DataType.FLOAT32);
    left = matrix(size);
    right = matrix(size);
  }

  private PtNDArray matrix(int size) {
    PtNDArray ones = (PtNDArray) manager.ones(new Shape(size, size), DataType.FLOAT32);
    return bfloat16 ? kernels.call(manager, "to_bfloat16", ones) : ones;
  }

  /** Bytes a second of one read of the memory. */
  public double read() {
    Engine.prepareThread();
    long begin = System.nanoTime();
    try (NDArray sum = memory.sum()) {
      sum.toFloatArray();
    }
    return memory.size() * Float.BYTES / secondsSince(begin);
  }

  /** Floating point operations a second of one product of the matrices. */
  public double product() {
    Engine.prepareThread();
    double n = left.getShape().get(0);
    long begin = System.nanoTime();
    try (PtNDArray product = kernels.call(manager, "logits", left, right, bfloat16);
        NDArray one = product.get("0:1, 0:1")) {
      one.toFloatArray();
    }
    return 2 * n * n * n / secondsSince(begin);
  }

  @Override
  public void close() {
    manager.close();
  }

  private static double secondsSince(long begin) {
    return (System.nanoTime() - begin) / 1e9;
  }
}

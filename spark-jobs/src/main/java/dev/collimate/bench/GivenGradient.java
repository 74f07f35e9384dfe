package dev.collimate.bench;

import dev.collimate.aggregate.WorkerPlace;
import dev.collimate.aggregate.WorkerTask;
import dev.collimate.aggregate.WorkerTaskFactory;
import dev.collimate.parameters.FlatVector;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

/**
 * Makes tasks whose gradient stands ready, so that a step costs what moving and adding costs.
 *
 * @param size entries of the gradient
 */
record GivenGradient(long size) implements WorkerTaskFactory {

  /** One for all workers of a JVM. */
  private static final AtomicReference<FlatVector> GRADIENT =
      new AtomicReference<>(new FlatVector(0));

  @Override
  public WorkerTask create(WorkerPlace place) {
    return new Task(
        GRADIENT.updateAndGet(known -> known.size() == size ? known : numbers(size, 1)));
  }

  /** Numbers of changing sign and exponent. */
  static FlatVector numbers(long size, int seed) {
    FlatVector vector = new FlatVector(size);
    for (int block = 0; block < vector.blockCount(); block++) {
      fill(vector.block(block), seed + block);
    }
    return vector;
  }

  static void fill(float[] values, int seed) {
    for (int i = 0; i < values.length; i++) {
      int mixed = (i + seed * 65_599) * 0x9E3779B9;
      values[i] = (mixed >> 8) * 0x1p-24f / (1 + (mixed & 15));
    }
  }

  private record Task(FlatVector gradient) implements WorkerTask {

    @Override
    public byte[] describe() {
      return new byte[0];
    }

    @Override
    public void parameters(long version, FlatVector values) {
      // Pulled into the client's vector; nothing is computed from them.
    }

    @Override
    public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
      gradientOut.copyFrom(gradient);
      return new byte[0];
    }

    @Override
    public byte[] call(byte[] payload) {
      return new byte[0];
    }

    @Override
    public void close() {
      // The gradient is the JVM's.
    }
  }
}

package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * What a worker does with the work it is given. One thread calls it. A CollimateException of kind
 * USAGE or DATA ends the driver's step with that sentence; any other failure is tried again
 * elsewhere a few times first.
 */
public interface WorkerTask extends AutoCloseable {

  /** What the driver's registration policy judges: the numerics fingerprint and the like. */
  byte[] describe();

  /**
   * Called before the first work of another version.
   *
   * @param values unchanged until the next call; the aggregator's client fills it anew then
   */
  void parameters(long version, FlatVector values);

  /**
   * Computes one leaf: a micro-batch, or whatever else the driver sums.
   *
   * @param payload as handed to {@link Aggregator#step}
   * @param gradientOut holds leftovers; every entry is to be overwritten
   * @param isVoid whether the leaf is not wanted any more; a leaf that takes long asks now and then
   * @return the leaf's own result, a function of payload and parameters alone (no clocks in it: a
   *     second result for the same leaf must have the same bits)
   * @throws CancellationException where it stopped since the leaf is void
   */
  byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid);

  /** Answers work that has no gradient; a function of payload and parameters alone. */
  byte[] call(byte[] payload);

  @Override
  void close();
}

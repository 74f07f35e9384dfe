package dev.collimate.learn;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;

/** Global gradient norm and the factor that keeps it under a maximum. */
public final class GradientClip {

  private GradientClip() {}

  /**
   * The L2 norm, summed in float64 within each block, then over the blocks in order: the same bits
   * for any number of threads.
   */
  public static double norm(FlatVector gradient, int threads) {
    double[] sums = new double[gradient.blockCount()];
    Blocks.run(
        sums.length,
        threads,
        block -> {
          double sum = 0;
          for (float value : gradient.block(block)) {
            sum += (double) value * value;
          }
          sums[block] = sum;
        });
    double total = 0;
    for (double sum : sums) {
      total += sum;
    }
    return StrictMath.sqrt(total);
  }

  /**
   * {@code min(1, maxNorm / (norm + 1e-6))} as torch.nn.utils.clip_grad_norm_.
   *
   * @param maxNorm 0: no clipping
   */
  public static double factor(double norm, double maxNorm) {
    return maxNorm == 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
  }

  /** Stops the run at a loss or gradient that is no number. */
  public static void requireFinite(long step, double loss, double norm) {
    if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
      throw CollimateException.data(
          "step %d: the loss is %s and the gradient norm %s; lower train.learning_rate or set"
                  .formatted(step, loss, norm)
              + " train.max_grad_norm");
    }
  }
}

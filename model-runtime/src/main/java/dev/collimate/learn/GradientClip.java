package dev.collimate.learn;

import dev.collimate.CollimateException;
import dev.collimate.parameters.Blocks;
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
          sums[block] = sumOfSquares(gradient.block(block));
        });
    double total = 0;
    for (double sum : sums) {
      total += sum;
    }
    return StrictMath.sqrt(total);
  }

  /** Four interleaved sums, since one alone waits for every addition before the next. */
  private static double sumOfSquares(float[] values) {
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int whole = values.length & ~3;
    for (int i = 0; i < whole; i += 4) {
      sum0 += (double) values[i] * values[i];
      sum1 += (double) values[i + 1] * values[i + 1];
      sum2 += (double) values[i + 2] * values[i + 2];
      sum3 += (double) values[i + 3] * values[i + 3];
    }
    for (int i = whole; i < values.length; i++) {
      sum0 += (double) values[i] * values[i];
    }
    return (sum0 + sum1) + (sum2 + sum3);
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
          "step %d: the loss is %s and the gradient norm %s; lower train.learning_rate or raise"
                  .formatted(step, loss, norm)
              + " train.warmup_ratio; with the first step, look at the model's weights");
    }
  }
}

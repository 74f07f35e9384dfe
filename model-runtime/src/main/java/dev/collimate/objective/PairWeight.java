package dev.collimate.objective;

import dev.collimate.nn.Quantity;

/**
 * How likely the policy itself is to write a pair (WPO, Zhou et al. 2024, arXiv:2406.11827, eq. 2
 * and section 3.2): for each side the geometric mean over tokens of {@code p(token) / sum_v
 * p(v)^2}, which is 1 on average for the policy's own text. A number without derivative.
 */
final class PairWeight {

  private PairWeight() {}

  /** The product of both sides' weights; needs {@link Quantity#LOG_SUM_SQUARES}. */
  static double of(RowInputs inputs) {
    return StrictMath.exp(logWeight(inputs, "chosen") + logWeight(inputs, "rejected"));
  }

  private static double logWeight(RowInputs inputs, String role) {
    double sum =
        inputs.total(role, Quantity.LOG_PROB) - inputs.total(role, Quantity.LOG_SUM_SQUARES);
    return sum / Math.max(1, inputs.policy(role).count());
  }
}

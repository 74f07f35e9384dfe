package dev.collimate.objective;

/**
 * The ratio of the policy to the old one, clipped: {@code -min(ratio * A, clamp(ratio, 1 - low, 1 +
 * high) * A)} (Schulman et al. 2017, arXiv:1707.06347, eq. 7).
 *
 * @param low how far below 1 the ratio counts
 * @param high how far above 1
 * @param most the unclipped ratio is held at this, which bounds the loss of a negative advantage
 *     too (two-sided clipping); infinite for no bound
 */
record PolicyRatio(double low, double high, double most) {

  static final ObjectiveOption EPSILON =
      ObjectiveOption.number("epsilon", 0.2, ">= 0", "The ratio counts down to 1 - epsilon.");

  static final ObjectiveOption EPSILON_HIGH =
      ObjectiveOption.numberOr(
          "epsilon_high",
          EPSILON.name(),
          ">= 0",
          "The ratio counts up to 1 + epsilon_high; `epsilon`: as below.");

  PolicyRatio(double low, double high) {
    this(low, high, Double.POSITIVE_INFINITY);
  }

  /** As {@link #EPSILON} and {@link #EPSILON_HIGH} say. */
  static PolicyRatio of(Options options) {
    double low = options.number(EPSILON.name());
    return new PolicyRatio(
        low, GrpoOptions.numberOr(options, EPSILON_HIGH.name(), EPSILON.name(), low));
  }

  /** The loss of a token or a sequence. */
  Scalar loss(Scalar ratio, double advantage) {
    Scalar free = held(ratio).times(advantage);
    return free.min(ratio.clamp(1 - low, 1 + high).times(advantage)).negated();
  }

  /** Whether the clip holds the ratio from falling further. */
  boolean isClippedLow(Scalar ratio, double advantage) {
    return held(ratio).value() < 1 - low && advantage < 0;
  }

  /** Whether it holds it from rising further. */
  boolean isClippedHigh(Scalar ratio, double advantage) {
    return held(ratio).value() > 1 + high && advantage > 0;
  }

  private Scalar held(Scalar ratio) {
    return ratio.clamp(Double.NEGATIVE_INFINITY, most);
  }
}

package dev.collimate.objective;

/**
 * What an f-divergence makes of a log-ratio x to the reference: {@code f'(e^x)} without its
 * constant (Wang et al. 2023, arXiv:2309.16240), under TRL's {@code f_divergence_type} names.
 */
enum FDivergence {
  /** {@code x}: DPO itself. */
  REVERSE_KL {
    @Override
    Scalar of(Scalar logRatio, double alpha) {
      return logRatio;
    }
  },
  /** {@code -e^-x}. */
  FORWARD_KL {
    @Override
    Scalar of(Scalar logRatio, double alpha) {
      return exp(logRatio.negated()).negated();
    }
  },
  /** {@code log sigmoid(x)}. */
  JS_DIVERGENCE {
    @Override
    Scalar of(Scalar logRatio, double alpha) {
      return logRatio.logSigmoid();
    }
  },
  /** {@code e^((alpha - 1) x) / (alpha - 1)}; its limit at alpha = 1 is REVERSE_KL. */
  ALPHA_DIVERGENCE {
    @Override
    Scalar of(Scalar logRatio, double alpha) {
      double power = alpha - 1;
      return Math.abs(power) < LIMIT ? logRatio : exp(logRatio.times(power)).dividedBy(power);
    }
  };

  /** TRL takes an alpha so near to 1 for 1. */
  private static final double LIMIT = 1e-6;

  /** TRL's bound for exponents in float32; a loss stays finite with it. */
  private static final double MAX_EXPONENT = 80;

  /**
   * @param alpha read by the alpha-divergence alone
   */
  abstract Scalar of(Scalar logRatio, double alpha);

  private static Scalar exp(Scalar exponent) {
    return exponent.clamp(Double.NEGATIVE_INFINITY, MAX_EXPONENT).exp();
  }
}

package dev.collimate.online;

/**
 * How far the policy is from the reference at one sampled token, from the two log-probabilities
 * alone (Schulman, Approximating KL Divergence, joschu.net/blog/kl-approx.html).
 */
public enum KlEstimate {
  /** {@code log policy - log reference}: unbiased, of either sign. */
  K1 {
    @Override
    public double of(double policy, double reference) {
      return policy - reference;
    }
  },
  /** {@code r - 1 - log r} with {@code r = reference / policy}: unbiased, never negative. */
  K3 {
    @Override
    public double of(double policy, double reference) {
      double logRatio = reference - policy;
      return StrictMath.exp(Math.min(logRatio, MAX_EXPONENT)) - 1 - logRatio;
    }
  },
  /** The absolute value of K1; {@code kl_penalty: abs} of TRL before 0.12. */
  ABS {
    @Override
    public double of(double policy, double reference) {
      return Math.abs(policy - reference);
    }
  },
  /** Half the square of K1; {@code kl_penalty: mse} of TRL before 0.12. */
  MSE {
    @Override
    public double of(double policy, double reference) {
      return 0.5 * (policy - reference) * (policy - reference);
    }
  };

  /** Above it {@code e^x} is held, so that it stays finite. */
  private static final double MAX_EXPONENT = 80;

  /** The estimate from the log-probabilities of the token. */
  public abstract double of(double policy, double reference);
}

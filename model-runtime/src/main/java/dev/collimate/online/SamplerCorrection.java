package dev.collimate.online;

/**
 * Importance weights of completions that another engine wrote, whose probabilities are not quite
 * the policy's: {@code exp(policy - sampler)} of a token or of a whole completion, held at a cap
 * (truncated importance sampling) or 0 above it (masked importance sampling). As TRL's {@code
 * vllm_importance_sampling_mode}.
 *
 * @param cap the greatest ratio that counts as it is
 */
public record SamplerCorrection(Mode mode, double cap) {

  /** Whose ratio it is, and what becomes of one above the cap. */
  public enum Mode {
    TOKEN_TRUNCATE,
    TOKEN_MASK,
    SEQUENCE_TRUNCATE,
    SEQUENCE_MASK;

    /** Whether all tokens of a completion have one ratio. */
    public boolean isBySequence() {
      return this == SEQUENCE_TRUNCATE || this == SEQUENCE_MASK;
    }

    private boolean isTruncated() {
      return this == TOKEN_TRUNCATE || this == SEQUENCE_TRUNCATE;
    }
  }

  /**
   * What a completion's loss is multiplied by.
   *
   * @param policy [token] log-probabilities before training, at least as many as {@code sampler}
   * @param sampler [token] those of the engine
   * @return [token], or [1] by sequence
   */
  public float[] ratios(float[] policy, float[] sampler) {
    double sum = 0;
    float[] ofTokens = new float[sampler.length];
    for (int t = 0; t < sampler.length; t++) {
      double logRatio = (double) policy[t] - sampler[t];
      ofTokens[t] = held(logRatio);
      sum += logRatio;
    }
    return mode.isBySequence() ? new float[] {held(sum)} : ofTokens;
  }

  private float held(double logRatio) {
    double ratio = StrictMath.exp(logRatio);
    return (float) (ratio <= cap ? ratio : mode.isTruncated() ? cap : 0);
  }
}

package dev.collimate.online;

/**
 * Rewards of a completion's tokens: the KL penalty at every token, the score at one position.
 *
 * @param values [position]
 * @param kl sum of the KL estimates over the tokens
 */
public record TokenRewards(double[] values, double kl) {

  /**
   * The rewards of a completion's tokens.
   *
   * @param score of the whole completion, which stands at the last position
   * @param tokens how many there are; a further position may follow them, the state after the end
   * @param positions {@code tokens} or one more
   * @param policy [position] log-probabilities of the policy that sampled
   * @param reference [position] those of the reference; not read where the coefficient is 0
   */
  public static TokenRewards of(
      double score,
      int tokens,
      int positions,
      float[] policy,
      float[] reference,
      KlEstimate estimate,
      double coefficient) {
    double[] values = new double[positions];
    double kl = 0;
    for (int t = 0; coefficient != 0 && t < tokens; t++) {
      double ofToken = estimate.of(policy[t], reference[t]);
      kl += ofToken;
      values[t] = -coefficient * ofToken;
    }
    if (positions > 0) {
      values[positions - 1] += score;
    }
    return new TokenRewards(values, kl);
  }
}

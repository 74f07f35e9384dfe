package dev.collimate.online;

/**
 * Generalized advantage estimation (Schulman et al. 2016, arXiv:1506.02438, eq. 11 to 16) along one
 * completion: {@code delta_t = r_t + gamma * V_t+1 - V_t}, {@code A_t = delta_t + gamma * lambda *
 * A_t+1}, with nothing after the last position.
 *
 * @param advantages [position]
 * @param returns [position] advantage plus value: what the value is to become
 */
public record Gae(double[] advantages, double[] returns) {

  /**
   * Estimates the advantages of a completion.
   *
   * @param rewards [position]
   * @param values [position] of the states before
   */
  public static Gae of(double[] rewards, double[] values, double gamma, double lambda) {
    if (rewards.length != values.length) {
      throw new IllegalArgumentException(
          rewards.length + " rewards for " + values.length + " values");
    }
    double[] advantages = new double[rewards.length];
    double[] returns = new double[rewards.length];
    double next = 0;
    double nextValue = 0;
    for (int t = rewards.length - 1; t >= 0; t--) {
      next = rewards[t] + gamma * nextValue - values[t] + gamma * lambda * next;
      nextValue = values[t];
      advantages[t] = next;
      returns[t] = next + values[t];
    }
    return new Gae(advantages, returns);
  }
}

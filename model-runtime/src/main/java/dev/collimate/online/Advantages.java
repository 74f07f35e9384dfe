package dev.collimate.online;

import java.util.Arrays;

/**
 * Advantages of completions, the {@code generations} of a prompt next to each other. A completion
 * that no reward function could judge has the reward NaN: the baselines leave it out, and its
 * advantage is 0. Formulas and constants are TRL's (GRPOTrainer and RLOOTrainer 1.9).
 *
 * @param values [completion]
 * @param isAlike [completion] whether the rewards that it was compared with are all equal
 */
public record Advantages(double[] values, boolean[] isAlike) {

  /** What the standard deviation of rewards is taken over that advantages are divided by. */
  public enum Scale {
    GROUP,
    BATCH,
    NONE
  }

  /** Added to a standard deviation before something is divided by it. */
  private static final double EPSILON = 1e-4;

  /** A standard deviation up to this is 0. */
  private static final double ALIKE = 1e-8;

  /**
   * Adds up several rewards.
   *
   * @param rewards [completion][function], NaN where a function does not apply
   * @param weights [function]
   * @return [completion] weighted sum of those that apply, NaN where none does
   */
  public static double[] weightedSum(double[][] rewards, double[] weights) {
    double[] sums = new double[rewards.length];
    for (int i = 0; i < sums.length; i++) {
      boolean isJudged = false;
      for (int k = 0; k < weights.length; k++) {
        if (!Double.isNaN(rewards[i][k])) {
          isJudged = true;
          sums[i] += weights[k] * rewards[i][k];
        }
      }
      if (!isJudged) {
        sums[i] = Double.NaN;
      }
    }
    return sums;
  }

  /**
   * {@code (reward - mean of the group) / (std + 1e-4)} (Shao et al. 2024, arXiv:2402.03300); not
   * divided without a scale (Liu et al. 2025, arXiv:2503.20783).
   *
   * @param rewards [completion]
   */
  public static Advantages grouped(double[] rewards, int generations, Scale scale) {
    requireGroups(rewards.length, generations);
    double[] values = new double[rewards.length];
    boolean[] isAlike = new boolean[rewards.length];
    double ofBatch = rewards.length > 1 ? Moments.of(rewards).std() : 0;
    for (int from = 0; from < rewards.length; from += generations) {
      Moments group = Moments.of(Arrays.copyOfRange(rewards, from, from + generations));
      double ofGroup = generations > 1 ? group.std() : 0;
      double std = scale == Scale.BATCH ? ofBatch : ofGroup;
      for (int i = from; i < from + generations; i++) {
        double centred = rewards[i] - group.mean();
        values[i] = orZero(scale == Scale.NONE ? centred : centred / (std + EPSILON));
        isAlike[i] = std <= ALIKE;
      }
    }
    return new Advantages(values, isAlike);
  }

  /**
   * Every function's rewards are normalised within the group by themselves, so that none drowns the
   * others; their weighted sum is normalised over the batch (GDPO; TRL's {@code
   * normalize_then_sum}).
   *
   * @param rewards [completion][function]
   * @param weights [function]
   */
  public static Advantages normalizedThenSummed(
      double[][] rewards, double[] weights, int generations) {
    requireGroups(rewards.length, generations);
    double[][] normalized = new double[rewards.length][weights.length];
    for (int from = 0; from < rewards.length; from += generations) {
      for (int k = 0; k < weights.length; k++) {
        Moments group = Moments.of(column(rewards, k, from, generations));
        double std = generations > 1 ? group.std() : 0;
        for (int i = from; i < from + generations; i++) {
          normalized[i][k] = (rewards[i][k] - group.mean()) / (std + EPSILON);
        }
      }
    }
    double[] sums = weightedSum(normalized, weights);
    for (int i = 0; i < sums.length; i++) {
      // A function that judged one completion of a group alone has no deviation to divide by.
      boolean isJudged = Arrays.stream(rewards[i]).anyMatch(reward -> !Double.isNaN(reward));
      sums[i] = isJudged && Double.isNaN(sums[i]) ? 0 : sums[i];
    }
    Moments batch = Moments.of(sums);
    double std = sums.length > 1 ? batch.std() : 0;
    boolean[] isAlike = new boolean[sums.length];
    Arrays.fill(isAlike, std <= ALIKE);
    double[] values =
        Arrays.stream(sums).map(sum -> orZero((sum - batch.mean()) / (std + EPSILON))).toArray();
    return new Advantages(values, isAlike);
  }

  /**
   * {@code reward - mean of the others of the group} (Ahmadian et al. 2024, arXiv:2402.14740).
   *
   * @param rewards [completion]
   */
  public static Advantages leaveOneOut(double[] rewards, int generations) {
    requireGroups(rewards.length, generations);
    double[] values = new double[rewards.length];
    boolean[] isAlike = new boolean[rewards.length];
    for (int from = 0; from < rewards.length; from += generations) {
      Moments group = Moments.of(Arrays.copyOfRange(rewards, from, from + generations));
      double sum = group.mean() * group.count();
      double std = generations > 1 ? group.std() : 0;
      for (int i = from; i < from + generations; i++) {
        double others = (sum - rewards[i]) / (group.count() - 1);
        values[i] = generations > 1 ? rewards[i] - others : 0;
        isAlike[i] = std <= ALIKE;
      }
    }
    return new Advantages(values, isAlike);
  }

  /** The same after {@code (advantage - mean) / (std + 1e-4)} over the batch. */
  public Advantages normalized() {
    Moments batch = Moments.of(values);
    return new Advantages(
        Arrays.stream(values).map(v -> (v - batch.mean()) / (batch.std() + EPSILON)).toArray(),
        isAlike);
  }

  /** The same with 0 for what could not be compared. */
  public Advantages orZero() {
    return new Advantages(Arrays.stream(values).map(Advantages::orZero).toArray(), isAlike);
  }

  private static double orZero(double value) {
    return Double.isNaN(value) ? 0 : value;
  }

  private static double[] column(double[][] rewards, int k, int from, int count) {
    double[] column = new double[count];
    for (int i = 0; i < count; i++) {
      column[i] = rewards[from + i][k];
    }
    return column;
  }

  private static void requireGroups(int completions, int generations) {
    if (completions % generations != 0) {
      throw new IllegalArgumentException(
          completions + " completions are not groups of " + generations);
    }
  }
}

package dev.collimate.objective;

import dev.collimate.online.Advantages;
import dev.collimate.online.Moments;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** What the objectives that learn from completions have in common. */
final class Completions {

  private Completions() {}

  /** The tokens with those of the completion counted. */
  static Sequence counted(Sampled sampled) {
    return sequence(sampled, sampled.completion().length);
  }

  /**
   * The tokens with those of the completion counted, where it counts.
   *
   * @param masksTruncated whether one that was cut at the length limit does not
   */
  static Sequence of(Sampled sampled, boolean masksTruncated) {
    return masksTruncated && !sampled.ended() ? sequence(sampled, 0) : counted(sampled);
  }

  /**
   * With a further token that counts, so that what the model says of the state after the last is
   * read too. Which token it is changes nothing but its own log-probability.
   */
  static Sequence withStateAfter(Sequence sequence) {
    int[] ids = Arrays.copyOf(sequence.ids(), sequence.length() + 1);
    byte[] mask = Arrays.copyOf(sequence.lossMask(), ids.length);
    ids[sequence.length()] = ids[0];
    mask[sequence.length()] = 1;
    return new Sequence(ids, sequence.promptLength(), mask);
  }

  private static Sequence sequence(Sampled sampled, int counted) {
    int[] prompt = sampled.prompt();
    int[] ids = Arrays.copyOf(prompt, prompt.length + sampled.completion().length);
    System.arraycopy(sampled.completion(), 0, ids, prompt.length, sampled.completion().length);
    byte[] mask = new byte[ids.length];
    Arrays.fill(mask, prompt.length, prompt.length + counted, (byte) 1);
    return new Sequence(ids, prompt.length, mask);
  }

  /** What the loss of a token is multiplied by where another engine wrote it; else 1. */
  static double correction(RowInputs inputs, int token) {
    if (!inputs.hasReferenceTokens(Online.CORRECTION)) {
      return 1;
    }
    float[] ratios = inputs.referenceTokens(Online.CORRECTION);
    return ratios.length == 1 ? ratios[0] : ratios[token];
  }

  /** The weighted sum of each completion's rewards; NaN where none applies. */
  static double[] rewards(Judged rollout) {
    double[][] byFunction =
        rollout.completions().stream().map(Judged.Completion::rewards).toArray(double[][]::new);
    return Advantages.weightedSum(byFunction, weights(rollout));
  }

  /**
   * The weighted sum of each completion's rewards; NaN where none applies, and where it is not
   * trained on.
   */
  static double[] judgedRewards(Judged rollout, double[] weights) {
    double[] rewards = rewards(rollout);
    for (int i = 0; i < rewards.length; i++) {
      if (weights[i] == 0) {
        rewards[i] = Double.NaN;
      }
    }
    return rewards;
  }

  /** Weights of the reward functions. */
  static double[] weights(Judged rollout) {
    return rollout.weights().stream().mapToDouble(Double::doubleValue).toArray();
  }

  /**
   * Requires that the completions of a prompt stand next to each other, so many of them.
   *
   * @throws IllegalArgumentException where they do not
   */
  static void requireGroups(Judged rollout, int generations) {
    List<Judged.Completion> all = rollout.completions();
    for (int i = 0; i < all.size(); i++) {
      int first = i - i % generations;
      if (first + generations > all.size()
          || !all.get(i).promptKey().equals(all.get(first).promptKey())) {
        throw new IllegalArgumentException(
            "completion %d, of prompt '%s', does not stand in a group of %d of its prompt"
                .formatted(i, all.get(i).promptKey(), generations));
      }
    }
  }

  /** TRL's metrics of rewards. */
  static List<RowLoss.Metric> rewardMetrics(Judged rollout) {
    List<RowLoss.Metric> metrics = new ArrayList<>();
    for (int k = 0; k < rollout.rewards().size(); k++) {
      int function = k;
      Moments moments =
          Moments.of(
              rollout.completions().stream().mapToDouble(c -> c.rewards()[function]).toArray());
      String name = "rewards/" + rollout.rewards().get(k);
      addFinite(metrics, name + "/mean", moments.mean());
      addFinite(metrics, name + "/std", moments.std());
    }
    Moments moments = Moments.of(rewards(rollout));
    addFinite(metrics, "reward", moments.mean());
    addFinite(metrics, "reward_std", moments.std());
    return metrics;
  }

  /** The share of completions whose rewards could not be told apart, and TRL's lengths. */
  static List<RowLoss.Metric> groupMetrics(Judged rollout, Advantages advantages) {
    List<RowLoss.Metric> metrics = rewardMetrics(rollout);
    int alike = 0;
    for (boolean isAlike : advantages.isAlike()) {
      alike += isAlike ? 1 : 0;
    }
    metrics.add(new RowLoss.Metric("frac_reward_zero_std", alike, advantages.isAlike().length));
    metrics.addAll(lengthMetrics(rollout));
    return metrics;
  }

  /** TRL's metrics of lengths; of completions that came to an end 0 where there are none. */
  static List<RowLoss.Metric> lengthMetrics(Judged rollout) {
    List<Judged.Completion> all = rollout.completions();
    List<RowLoss.Metric> metrics = new ArrayList<>();
    lengths(metrics, "completions/%s_length", all.stream().mapToInt(Judged.Completion::tokens));
    lengths(
        metrics,
        "completions/%s_terminated_length",
        all.stream().filter(c -> c.sampled().ended()).mapToInt(Judged.Completion::tokens));
    long cut = all.stream().filter(c -> !c.sampled().ended()).count();
    metrics.add(new RowLoss.Metric("completions/clipped_ratio", cut, all.size()));
    return metrics;
  }

  private static void lengths(List<RowLoss.Metric> metrics, String name, IntStream lengths) {
    var summary = lengths.summaryStatistics();
    boolean isEmpty = summary.getCount() == 0;
    metrics.add(new RowLoss.Metric(name.formatted("mean"), summary.getAverage(), 1));
    metrics.add(new RowLoss.Metric(name.formatted("min"), isEmpty ? 0 : summary.getMin(), 1));
    metrics.add(new RowLoss.Metric(name.formatted("max"), isEmpty ? 0 : summary.getMax(), 1));
  }

  private static void addFinite(List<RowLoss.Metric> metrics, String name, double value) {
    if (Double.isFinite(value)) {
      metrics.add(new RowLoss.Metric(name, value, 1));
    }
  }
}

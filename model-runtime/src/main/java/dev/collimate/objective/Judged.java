package dev.collimate.objective;

import java.util.List;

/**
 * A rollout with its rewards.
 *
 * @param rewards names of the reward functions
 * @param weights of them, in the same order
 * @param completions those of a prompt next to each other, in the order of their sample numbers
 */
public record Judged(List<String> rewards, List<Double> weights, List<Completion> completions) {

  public Judged {
    rewards = List.copyOf(rewards);
    weights = List.copyOf(weights);
    completions = List.copyOf(completions);
    if (rewards.size() != weights.size()) {
      throw new IllegalArgumentException(
          weights.size() + " weights for " + rewards.size() + " rewards");
    }
  }

  /**
   * One completion.
   *
   * @param promptKey of its prompt; equal for completions that are judged together
   * @param sample its number among them
   * @param rewards [function], NaN where it does not apply
   * @param old [counted token] log-probabilities before training; empty where not read
   * @param values [counted token] of the value head before training; empty where not read
   * @param reference [counted token] log-probabilities of the reference; empty where not read
   */
  public record Completion(
      String promptKey,
      int sample,
      Sampled sampled,
      double[] rewards,
      float[] old,
      float[] values,
      float[] reference) {

    public int tokens() {
      return sampled.completion().length;
    }
  }
}

package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.online.PolicyFilter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Policy filtration as objectives offer it: which completions are trained on, and how well each
 * filter would let the reward predict true scores.
 *
 * @param truth label of the reward that has the true scores; empty where there is none
 */
record CompletionFilter(PolicyFilter filter, String truth) {

  private static final int MOST_GROUPS = 10;
  private static final int LEAST_GROUPS = 5;
  private static final int LEAST_OF_A_GROUP = 4;

  /** A line goes through any two. */
  private static final int LEAST_POINTS = 3;

  static final ObjectiveOption FILTER =
      GrpoOptions.choice(
          "policy_filter",
          List.of(GrpoOptions.NONE, "bon", "br", "bw"),
          "Which of a prompt's completions are trained on, by their reward: all, the best, the best"
              + " and the others together as much, the best and the worst (experimental).");

  static final ObjectiveOption TRUTH =
      ObjectiveOption.text(
          "policy_filter_truth",
          "",
          "Label of a reward with true scores, usually of weight 0: reports as"
              + " `reward_r2/<filter>` how much of them the rewards explain with each filter.");

  static CompletionFilter of(Options options) {
    return new CompletionFilter(
        PolicyFilter.valueOf(options.text(FILTER.name()).toUpperCase(Locale.ROOT)),
        options.text(TRUTH.name()));
  }

  /**
   * Weights of the completions by the rank of their reward among those of their prompt.
   *
   * @return [completion], 0 where it is not trained on
   */
  double[] weights(Judged rollout, int generations) {
    return weights(filter, Completions.rewards(rollout), generations);
  }

  private static double[] weights(PolicyFilter filter, double[] rewards, int generations) {
    double[] weights = new double[rewards.length];
    for (int from = 0; from < rewards.length; from += generations) {
      double[] ofGroup = filter.weights(Arrays.copyOfRange(rewards, from, from + generations));
      System.arraycopy(ofGroup, 0, weights, from, generations);
    }
    return weights;
  }

  /**
   * What the rewards explain of the true scores, filter by filter; nothing without true scores, nor
   * of a filter that leaves fewer than three completions.
   *
   * @throws CollimateException of kind USAGE where no reward has the label
   */
  List<RowLoss.Metric> metrics(Judged rollout, int generations) {
    List<RowLoss.Metric> metrics = new ArrayList<>();
    if (truth.isEmpty()) {
      return metrics;
    }
    int function = rollout.rewards().indexOf(truth);
    if (function < 0) {
      throw CollimateException.usage(
          "objective.policy_filter_truth: no reward is called '%s'; there are %s"
              .formatted(truth, rollout.rewards()));
    }
    double[] rewards = Completions.rewards(rollout);
    double[] scores =
        rollout.completions().stream().mapToDouble(each -> each.rewards()[function]).toArray();
    for (PolicyFilter each : PolicyFilter.values()) {
      double[] weights = weights(each, rewards, generations);
      for (int i = 0; i < weights.length; i++) {
        weights[i] = Double.isNaN(rewards[i] + scores[i]) ? 0 : weights[i];
      }
      long points = Arrays.stream(weights).filter(weight -> weight > 0).count();
      if (points < LEAST_POINTS) {
        continue;
      }
      String name = "reward_r2/" + each.name().toLowerCase(Locale.ROOT);
      double explained = PolicyFilter.rSquared(rewards, scores, weights, groups(points));
      metrics.add(new RowLoss.Metric(name, explained, 1));
    }
    return metrics;
  }

  /** Completions with similar rewards are put together where there are enough of them. */
  private static int groups(long points) {
    long groups = Math.min(MOST_GROUPS, points / LEAST_OF_A_GROUP);
    return groups < LEAST_GROUPS ? 0 : (int) groups;
  }
}

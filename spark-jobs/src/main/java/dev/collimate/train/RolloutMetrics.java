package dev.collimate.train;

import dev.collimate.learn.MetricSums;
import dev.collimate.objective.RowLoss.Metric;
import dev.collimate.online.SamplerCorrection;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.train.Rollouts.Completed;
import java.util.List;
import java.util.Map;

/** What is reported of the completions of a rollout, under TRL's names. */
final class RolloutMetrics {

  private RolloutMetrics() {}

  /** Lengths, in tokens; those of completions that ended by themselves apart. */
  static MetricSums lengths(List<Completed> completions) {
    MetricSums metrics = new MetricSums();
    for (Completed completion : completions) {
      int length = completion.written().ids().length;
      add(metrics, "completions/", "_length", length);
      boolean ended = completion.written().ended();
      metrics.add("completions/clipped_ratio", ended ? 0 : 1, 1);
      if (ended) {
        add(metrics, "completions/", "_terminated_length", length);
      }
    }
    return metrics;
  }

  private static void add(MetricSums metrics, String prefix, String suffix, int length) {
    metrics.add(prefix + "mean" + suffix, length, 1);
    metrics.add(prefix + "min" + suffix, length, Metric.LEAST);
    metrics.add(prefix + "max" + suffix, length, Metric.GREATEST);
  }

  /**
   * How far the engine's log-probabilities are from the policy's, over tokens, and what the loss is
   * multiplied by, over tokens or completions.
   */
  static MetricSums sampling(List<Experience.Row> rows, SamplerCorrection correction) {
    MetricSums metrics = new MetricSums();
    for (Experience.Part completion :
        rows.stream().flatMap(row -> row.parts().values().stream()).toList()) {
      float[] ratios = completion.ratios(correction);
      for (int t = 0; ratios.length > 0 && t < completion.sampler().length; t++) {
        double difference = Math.abs((double) completion.old()[t] - completion.sampler()[t]);
        metrics.add("sampling/sampling_logp_difference/mean", difference, 1);
        metrics.add("sampling/sampling_logp_difference/max", difference, Metric.GREATEST);
      }
      for (float ratio : ratios) {
        metrics.add("sampling/importance_sampling_ratio/min", ratio, Metric.LEAST);
        metrics.add("sampling/importance_sampling_ratio/mean", ratio, 1);
        metrics.add("sampling/importance_sampling_ratio/max", ratio, Metric.GREATEST);
      }
    }
    return metrics;
  }

  /**
   * What became of every completion, for each reward by itself: counts that add up to the
   * completions, as {@code rewards/<name>/scored}, {@code /does_not_apply}, {@code /timed_out} and
   * the like; and how many are not trained on.
   */
  static MetricSums accounts(RewardOutcome outcome) {
    MetricSums metrics = new MetricSums();
    outcome
        .accounts()
        .forEach(
            (label, counts) ->
                counts.forEach(
                    (what, count) -> metrics.count("rewards/" + label + "/" + what, count)));
    if (outcome.lost() > 0) {
      metrics.count("rewards/lost", outcome.lost());
    }
    return metrics;
  }

  /**
   * The part of {@code train_seconds} in which parameters and gradients move and the optimizer
   * updates. Gradients are pushed while others are computed, so only what that adds counts.
   */
  static double sync(double trainSeconds, Map<String, Double> parts) {
    double moved =
        parts.getOrDefault("pull_seconds", 0.0) + parts.getOrDefault("update_seconds", 0.0);
    double left = trainSeconds - moved - parts.getOrDefault("compute_seconds", 0.0);
    double pushed = Math.min(parts.getOrDefault("push_seconds", 0.0), Math.max(0, left));
    return Math.min(trainSeconds, moved + pushed);
  }
}

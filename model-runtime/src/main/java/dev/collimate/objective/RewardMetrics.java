package dev.collimate.objective;

import java.util.List;

/**
 * The metrics of a reward model on pairs, under the names of TRL's RewardTrainer. Over several
 * steps the least and the greatest reward are those of all of them, where TRL averages the steps'.
 */
final class RewardMetrics {

  private RewardMetrics() {}

  /** A row without loss that carries the metrics. */
  static RowLoss of(double chosen, double rejected) {
    return of(chosen - rejected)
        .reportLeast("min_reward", Math.min(chosen, rejected))
        .report("mean_reward", chosen + rejected, 2)
        .reportGreatest("max_reward", Math.max(chosen, rejected));
  }

  /** The same where a response by itself has no reward. */
  static RowLoss of(double margin) {
    return new RowLoss(List.of(), List.of())
        .report("accuracy", margin > 0 ? 1 : 0)
        .report("margin", margin);
  }
}

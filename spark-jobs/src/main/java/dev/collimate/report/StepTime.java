package dev.collimate.report;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The parts of a step's time, from the bottom of the chart to its top; the last is what is left.
 */
enum StepTime {

  /** Steps on rows of the data. */
  OF_ROWS {
    @Override
    List<String> labels() {
      return List.of("pull", "compute", "push", "update", "wait");
    }

    @Override
    double[] split(Map<String, Double> step) {
      Left left = new Left(step);
      double pull = left.take("pull_seconds");
      double compute = left.take("compute_seconds");
      double update = left.take("update_seconds");
      // Pushing overlaps computing: what it adds to the step counts.
      double push = left.take("push_seconds");
      return new double[] {pull, compute, push, update, left.seconds};
    }
  },

  /** Steps on completions that the policy writes. */
  OF_ROLLOUTS {
    @Override
    List<String> labels() {
      return List.of("rollout", "rewards", "log-probabilities", "training", "sync", "rest");
    }

    @Override
    double[] split(Map<String, Double> step) {
      Left left = new Left(step);
      double rollout = left.take("rollout_seconds");
      double rewards = left.take("reward_seconds");
      double logProbs = left.take("logprob_seconds");
      double sync = left.take("sync_seconds");
      double training = left.take(step.getOrDefault("train_seconds", 0.0) - sync);
      return new double[] {rollout, rewards, logProbs, training, sync, left.seconds};
    }
  };

  /** What a part of the time has taken is not another part's. */
  private static final class Left {
    private final Map<String, Double> step;
    private double seconds;

    private Left(Map<String, Double> step) {
      this.step = step;
      this.seconds = step.get("step_seconds");
    }

    private double take(String name) {
      return take(step.getOrDefault(name, 0.0));
    }

    private double take(double wanted) {
      double taken = Math.max(0, Math.min(seconds, wanted));
      seconds -= taken;
      return taken;
    }
  }

  /** How the steps with these metrics are split. */
  static StepTime of(Set<String> metrics) {
    return metrics.contains("rollout_seconds") ? OF_ROLLOUTS : OF_ROWS;
  }

  /** Every metric that is a part of a step's time, shown or inside another one. */
  static List<String> metrics() {
    return List.of(
        "pull_seconds",
        "compute_seconds",
        "push_seconds",
        "update_seconds",
        "rollout_seconds",
        "reward_seconds",
        "logprob_seconds",
        "train_seconds",
        "sync_seconds");
  }

  abstract List<String> labels();

  /** Seconds of each part; {@code step} has its {@code step_seconds}. */
  abstract double[] split(Map<String, Double> step);
}

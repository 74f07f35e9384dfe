package dev.collimate.train;

import dev.collimate.generate.SamplingParams;
import dev.collimate.learn.MetricSums;
import dev.collimate.parameters.FlatVector;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.reward.Rewards;
import dev.collimate.reward.RowReward;
import dev.collimate.train.Rollouts.Completed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What the rewards say of the greedy completions of all held-out prompts, written in units of a
 * fixed size, so that workers do not touch their bits.
 */
final class RewardEvaluation implements Evaluation {

  private final Rollouts rollouts;
  private final int prompts;
  private final int unit;
  private final int maxCompletionLength;
  private final Rewards rewards;

  /**
   * @param prompts of the split
   * @param unit prompts that are completed as one batch
   * @param rewards without a journal: nothing is trained on what they say
   */
  RewardEvaluation(
      Rollouts rollouts, int prompts, int unit, int maxCompletionLength, Rewards rewards) {
    this.rollouts = rollouts;
    this.prompts = prompts;
    this.unit = unit;
    this.maxCompletionLength = maxCompletionLength;
    this.rewards = rewards;
  }

  @Override
  public Map<String, Object> run(long version, FlatVector parameters, double[] state) {
    long start = System.nanoTime();
    List<Completed> completions =
        rollouts.complete(
            version,
            parameters,
            0,
            units(),
            List.of(OnlineWork.SampleRange.ofPolicy(1)),
            SamplingParams.greedy(maxCompletionLength));
    RewardOutcome outcome;
    try {
      outcome = rewards.score(0, completions.stream().map(Completed::text).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    MetricSums metrics = new MetricSums();
    for (RowReward row : outcome.rows()) {
      if (!row.isLost()) {
        metrics.add("reward", row.total(outcome.weights()), 1);
        add(metrics, outcome, row);
      }
    }
    metrics.add(RolloutMetrics.accounts(outcome));
    metrics.add(RolloutMetrics.lengths(completions));
    Map<String, Object> line = new LinkedHashMap<>();
    metrics.values().forEach((name, value) -> line.put("eval_" + name, value));
    line.put("eval_runtime", (System.nanoTime() - start) / 1e9);
    return line;
  }

  private List<int[]> units() {
    return IntStream.iterate(0, from -> from < prompts, from -> from + unit)
        .mapToObj(from -> IntStream.range(from, Math.min(from + unit, prompts)).toArray())
        .toList();
  }

  private static void add(MetricSums metrics, RewardOutcome outcome, RowReward row) {
    for (int i = 0; i < outcome.labels().size(); i++) {
      double value = row.values().get(i);
      if (!Double.isNaN(value)) {
        metrics.add("rewards/" + outcome.labels().get(i) + "/mean", value, 1);
      }
    }
  }
}

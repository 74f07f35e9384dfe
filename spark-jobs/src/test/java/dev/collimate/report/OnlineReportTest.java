package dev.collimate.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What the report shows of a run on completions that the policy wrote. */
class OnlineReportTest {

  private static Map<String, Object> step(int step, Map<String, Object> more) {
    Map<String, Object> line = new TreeMap<>(more);
    line.put("step", step);
    return line;
  }

  @Test
  void aStepIsSplitIntoRolloutRewardsTrainingAndSync() {
    Map<String, Object> seconds =
        Map.of(
            "step_seconds",
            10.0,
            "rollout_seconds",
            4.0,
            "reward_seconds",
            2.0,
            "logprob_seconds",
            1.0,
            "train_seconds",
            2.5,
            "sync_seconds",
            0.5,
            "compute_seconds",
            2.0,
            "pull_seconds",
            0.25);
    Chart chart = Charts.of(List.of(step(1, seconds))).get(0);
    assertThat(chart.title()).isEqualTo("Step time");
    assertThat(chart.series().stream().map(Chart.Series::label))
        .containsExactly("rollout", "rewards", "log-probabilities", "training", "sync", "rest");
    assertThat(chart.series().stream().map(series -> series.values().get(0)))
        .containsExactly(4.0, 2.0, 1.0, 2.0, 0.5, 0.5);
  }

  @Test
  void rewardsComeFirstAndCountsAreNoCurves() {
    Map<String, Object> line =
        Map.of(
            "loss",
            0.5,
            "reward",
            0.25,
            "rewards/a/mean",
            0.5,
            "rewards/b/mean",
            0.0,
            "rewards/a/scored",
            15.0,
            "rewards/a/threw",
            1.0,
            "rewards/b/scored",
            16.0);
    assertThat(Charts.of(List.of(step(1, line), step(2, line))).stream().map(Chart::title))
        .containsExactly("Reward", "Rewards", "Loss");
  }

  @Test
  void everyCompletionIsCountedOnceForEachReward() {
    List<RewardCounts> rows =
        RewardCounts.of(
            List.of(
                step(
                    1,
                    Map.of(
                        "rewards/judge/mean",
                        0.25,
                        "rewards/judge/scored",
                        13.0,
                        "rewards/judge/timed_out",
                        2.0,
                        "rewards/judge/threw",
                        1.0)),
                step(
                    2,
                    Map.of(
                        "rewards/judge/mean",
                        0.5,
                        "rewards/judge/scored",
                        11.0,
                        "rewards/judge/threw",
                        4.0,
                        "rewards/judge/does_not_apply",
                        1.0))));
    assertThat(rows)
        .containsExactly(
            new RewardCounts("judge", "0.5000", "32", "24", "1", "5 threw, 2 timed out"));
  }

  @Test
  void aSampleShowsItsRewardsAndWhatLostIt() {
    Map<String, Double> rewards = new TreeMap<>(Map.of("judge", 0.25, "length", Double.NaN));
    RolloutSample whole = new RolloutSample(3, "p", "c", rewards, Optional.of(0.25), "");
    assertThat(whole.labels()).containsExactly("judge", "length");
    assertThat(whole.parts()).containsExactly("0.2500", "–");
    assertThat(whole.result()).isEqualTo("0.2500");
    RolloutSample lost = new RolloutSample(3, "p", "c", rewards, Optional.empty(), "timed_out");
    assertThat(lost.result()).isEqualTo("timed out");
  }
}

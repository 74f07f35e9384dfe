package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.online.Vade;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.reward.Rollout;
import dev.collimate.reward.RowReward;
import dev.collimate.train.Rollouts.Completed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PromptSamplerTest {

  private static final int PROMPTS = 60;
  private static final int OF_A_ROLLOUT = 8;
  private static final Vade VADE = new Vade(0.7, 0.99);

  /** Three kinds of prompts in turn: never solved, solved every third time, always solved. */
  private static double reward(int row, int sample) {
    return row % 3 == 0 ? 0 : row % 3 == 1 ? (sample % 3 == 0 ? 1 : 0) : 1;
  }

  @Test
  void promptsThatAreSometimesSolvedAreChosen() {
    PromptSampler sampler = new PromptSampler(VADE, 1, plan(), List.of());
    int[] rows = new int[0];
    for (int step = 1; step <= 30; step++) {
      rows = step(sampler, step);
    }

    assertThat(rows).hasSize(OF_A_ROLLOUT).doesNotHaveDuplicates();
    assertThat(Arrays.stream(rows).filter(row -> row % 3 == 1).count()).isGreaterThan(5);
    assertThat(PromptSampler.reached(sampler.known())).isBetween(20, PROMPTS);
  }

  @Test
  void whatIsKnownIsAllThatAChoiceDependsOn() {
    PromptSampler throughout = new PromptSampler(VADE, 1, plan(), List.of());
    IntStream.rangeClosed(1, 10).forEach(step -> step(throughout, step));
    PromptSampler resumed = new PromptSampler(VADE, 1, plan(), throughout.known());

    for (int step = 11; step <= 15; step++) {
      assertThat(step(resumed, step)).isEqualTo(step(throughout, step));
    }
    assertThat(resumed.known()).isEqualTo(throughout.known());
  }

  @Test
  void anotherSeedChoosesOthers() {
    assertThat(step(new PromptSampler(VADE, 1, plan(), List.of()), 1))
        .isNotEqualTo(step(new PromptSampler(VADE, 2, plan(), List.of()), 1));
  }

  private static int[] step(PromptSampler sampler, int step) {
    int[] rows =
        sampler.instead(new RolloutPlan.Rollout(step, step, plan().step(step))).prompts().rows();
    List<Completed> completions = new ArrayList<>();
    List<RowReward> rewards = new ArrayList<>();
    for (int row : rows) {
      for (int sample = 0; sample < 6; sample++) {
        Rollout text =
            new Rollout("p" + row, sample, "", "", new int[0], /* ended= */ true, Map.of());
        completions.add(new Completed(row, null, text));
        rewards.add(new RowReward(List.of(reward(row, sample)), List.of()));
      }
    }
    sampler.learn(
        completions,
        new RewardOutcome(
            List.of("solved"), List.of(0.5), rewards, /* replayed= */ false, Optional.empty()));
    return rows;
  }

  private static BatchPlan plan() {
    return new BatchPlan(
        PROMPTS,
        OF_A_ROLLOUT,
        /* microBatchSize= */ 2,
        /* steps= */ 100,
        epoch -> IntStream.range(0, PROMPTS).toArray(),
        row -> row);
  }
}

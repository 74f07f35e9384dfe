package dev.collimate.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.config.RolloutSection.Sampler;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OnlineConfigTest {

  private static final String LEAST =
      """
      model: models/sft
      output: runs/one
      data: {train: [{path: prompts.jsonl}]}
      objective: {name: grpo}
      rewards: [{name: number_match}]
      """;

  private static RunConfig read(String... overrides) {
    return RunConfig.read(LEAST, "grpo.yaml", List.of(overrides));
  }

  @Test
  void theLeastRunFileCompletesAsTrlDoes() {
    RunConfig config = read();

    assertThat(config.objective().numGenerations()).isEqualTo(8);
    assertThat(config.rollout())
        .isEqualTo(new RolloutSection(4, 256, 1, 0, 1, 1, 1, Sampler.IN_TURN, 0.99, 0.7));
    assertThat(config.rewards()).hasSize(1);
    assertThat(config.rewards().get(0).options()).containsEntry("column", "answer");
  }

  @Test
  void aResolvedRunFileIsTheSameRun() {
    RunConfig config =
        read(
            "rollout.temperature=0.7",
            "rollout.sampler=vade",
            "rollout.prior_decay_local=0.5",
            "rewards.0.label=sums",
            "rewards.0.timeout=2.5",
            "rewards.0.batch_size=4");

    assertThat(RunConfig.ofResolved(config.resolved())).isEqualTo(config);
    assertThat(config.differences(read()))
        .anyMatch(line -> line.startsWith("rollout.temperature"))
        .anyMatch(line -> line.startsWith("rewards"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          rewards=null | rewards: is missing (grpo.yaml:1); such as rewards: [{name: number_match}]
          rewards.0.nme=x | rewards.0.nme: is no key of the reward number_match (--set); nearest is name
          train.global_batch_size=20 | train.global_batch_size: counts completions and must be a multiple of objective.num_generations, which is 8, got 20 (grpo.yaml:1)
          rollout.steps_per_generation=9 | rollout.steps_per_generation: must be <= objective.num_generations, which is 8, got 9 (grpo.yaml:1); a rollout of one prompt must have a completion for every step
          rollout.prior_decay_local=0.5 | rollout.prior_decay_local: has no effect with sampler in_turn (--set); it belongs to vade
          rollout={sampler: vade, prior_decay_global: 0} | rollout.prior_decay_global: must be > 0 and <= 1, got 0 (--set); usual is 0.99
          rollout.sampler=vad | rollout.sampler: must be in_turn or vade, got 'vad' (--set); nearest is vade
          rollout.temperature=0 | rollout.temperature: must be > 0, got 0 (--set); usual is 1.0
          """)
  void aKeyIsRefusedByName(String override, String message) {
    assertThatThrownBy(() -> read(override))
        .isInstanceOf(CollimateException.class)
        .hasMessage(message);
  }
}

package dev.collimate.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.online.SamplerCorrection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnlineConfigTest {

  private static final String LEAST =
      """
      model: models/sft
      output: runs/one
      data: {train: [{path: prompts.jsonl}]}
      objective: {name: grpo}
      rewards: [{name: number_match}]
      """;

  @Test
  void whoComparesItsOwnCompletionsTakesNoOthers() {
    assertThatThrownBy(() -> read("objective={name: online_dpo}", "rollout.source=data"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("rollout.source: must be policy for online_dpo, got data")
        .hasMessageContaining("collimate pair makes pairs for such as dpo");
  }

  private static RunConfig read(String... overrides) {
    return RunConfig.read(LEAST, "grpo.yaml", List.of(overrides));
  }

  @Test
  void theLeastRunFileCompletesAsTrlDoes() {
    RunConfig config = read();

    assertThat(config.objective().numGenerations()).isEqualTo(8);
    assertThat(config.rollout()).isEqualTo(RunConfigTest.ROLLOUT);
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

  @Test
  void theValuesOfPpoComeFromItsPolicyOrAFolder() {
    RunConfig usual = read("objective={name: ppo}");
    RunConfig folder = read("objective={name: ppo}", "value_model=models/reward");

    assertThat(usual.valueFolder()).isEmpty();
    assertThat(folder.valueFolder()).contains("models/reward");
    assertThat(RunConfig.ofResolved(folder.resolved())).isEqualTo(folder);
    assertThat(folder.differences(usual)).anyMatch(line -> line.startsWith("value_model"));
    assertThat(folder.located((key, location) -> "/" + key + "/" + location).valueFolder())
        .contains("/value_model/models/reward");
    assertThat(read().identity()).containsEntry("value_model", null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpo", "dpo"})
  void othersHaveNoUseForAValueModel(String objective) {
    String text = LEAST.replace("grpo", objective).replace("rewards", "#");
    assertThatThrownBy(() -> RunConfig.read(text, "run.yaml", List.of("value_model=models/reward")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(
            "value_model: has no effect on %s (--set); it belongs to ppo", objective);
  }

  /** Replicas with local steps would hold a value model of their own; they write no completions. */
  @Test
  void localStepsHaveNoValueModel() {
    assertThatThrownBy(
            () ->
                read(
                    "objective={name: ppo}",
                    "value_model=models/reward",
                    "train.sync_every=4",
                    "train.replicas=2"))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("train.sync_every: must be 1 for ppo");
  }

  @Test
  void completionsThatTheRowsBringAreCorrectedAsTrlDoes() {
    RunConfig config = read("rollout.source=data");

    assertThat(config.rollout().isCorrected()).isTrue();
    assertThat(config.rollout().importanceSamplingMode())
        .isEqualTo(SamplerCorrection.Mode.SEQUENCE_MASK);
    assertThat(config.rollout().importanceSamplingCap()).isEqualTo(3);
    assertThat(RunConfig.ofResolved(config.resolved())).isEqualTo(config);
  }

  /** RLOO has one loss for the whole completion. */
  @Test
  void aRatioOfTokensNeedsALossOfTokens() {
    assertThatThrownBy(
            () ->
                read(
                    "objective={name: rloo}",
                    "rollout={source: data, importance_sampling_mode: token_mask}"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "rollout.importance_sampling_mode: must be sequence_truncate or sequence_mask for rloo,"
                + " whose loss is one of the whole completion, got token_mask (grpo.yaml:1)");
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
          rollout.vllm_importance_sampling_cap=2 | rollout.vllm_importance_sampling_cap: is not a key here: write rollout.importance_sampling_cap (--set)
          rollout.importance_sampling_cap=2 | rollout.importance_sampling_cap: has no effect while rollout.source is policy (--set); leave it out
          rollout={source: data, top_k: 3} | rollout.top_k: has no effect while rollout.source is data (--set); leave it out
          rollout={source: data, importance_sampling_correction: false, importance_sampling_cap: 2} | rollout.importance_sampling_cap: has no effect while rollout.importance_sampling_correction is false (--set); leave it out
          rollout.prior_decay_local=0.5 | rollout.prior_decay_local: has no effect with sampler in_turn (--set); it belongs to vade
          rollout={sampler: vade, prior_decay_global: 0} | rollout.prior_decay_global: must be > 0 and <= 1, got 0 (--set); usual is 0.99
          rollout.sampler=vad | rollout.sampler: must be in_turn or vade, got 'vad' (--set); nearest is vade
          reward_model_path=rm | reward_model_path: is not a key here: write rewards: [{name: reward_model, model: FOLDER}], and value_model: FOLDER where PPO's value model starts from it too (--set)
          rollout.temperature=0 | rollout.temperature: must be > 0, got 0 (--set); usual is 1.0
          """)
  void aKeyIsRefusedByName(String override, String message) {
    assertThatThrownBy(() -> read(override))
        .isInstanceOf(CollimateException.class)
        .hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          train.global_batch_size=7 | train.global_batch_size: counts completions and must be a multiple of 2, the completions of a prompt of xpo, got 7 (pairs.yaml:1)
          rollout.steps_per_generation=2 | rollout.steps_per_generation: must be 1 for xpo, got 2 (pairs.yaml:1); a rollout of one prompt has one row to train on
          reference.prefix_sharing=true | reference.prefix_sharing: has no effect on xpo, whose completions are read one by one (--set); leave it out
          objective.num_generations=2 | objective.num_generations: has no effect on xpo (--set); it belongs to grpo, rloo, reinforce_plus_plus or ppo
          """)
  void aPairHasTwoCompletionsOfAPrompt(String override, String message) {
    String pairs = LEAST.replace("grpo", "xpo");
    assertThat(RunConfig.read(pairs, "pairs.yaml", List.of()).objective().numGenerations())
        .isEqualTo(2);
    assertThatThrownBy(() -> RunConfig.read(pairs, "pairs.yaml", List.of(override)))
        .isInstanceOf(CollimateException.class)
        .hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          objective.name=kto | rounds: needs an objective on pairs, got kto (rounds.yaml:1); such as dpo
          objective.name=grpo | rounds: has no effect on grpo (rounds.yaml:1); it writes completions before every step already
          rewards=null | rewards: is missing (rounds.yaml:1); such as rewards: [{name: number_match}]
          rollout.batch_size=2 | rollout.batch_size: has no effect here (--set); a round writes every prompt's completions by themselves
          rollout.num_generations=1 | rollout.num_generations: must be >= 2, got 1 (--set); usual is 8
          data.eval_fraction=0.1 | data.eval_fraction: has no effect with rounds (rounds.yaml:1); every round reports the mean reward of the policy that it starts from
          """)
  void roundsMakePairsOfPrompts(String override, String message) {
    String rounds = LEAST.replace("grpo", "dpo") + "rounds: 2\n";
    RunConfig config = RunConfig.read(rounds, "rounds.yaml", List.of("rollout.num_generations=4"));
    assertThat(RunConfig.ofResolved(config.resolved())).isEqualTo(config);
    assertThat(config.differences(RunConfig.read(rounds, "rounds.yaml", List.of("rounds=3"))))
        .allMatch(line -> line.startsWith("rollout.num_generations"));
    assertThatThrownBy(() -> RunConfig.read(rounds, "rounds.yaml", List.of(override)))
        .isInstanceOf(CollimateException.class)
        .hasMessage(message);
  }

  @Test
  void withoutRoundsPromptsHaveNoNumberOfTheirOwn() {
    assertThatThrownBy(() -> read("rollout.num_generations=4"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "rollout.num_generations: has no effect here (--set); write objective.num_generations where it is one's");
  }
}

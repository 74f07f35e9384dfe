package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import dev.collimate.report.RunManifest;
import dev.collimate.reward.PromptMixer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs on completions that the policy writes. */
@ExtendWith(LocalSpark.class)
class OnlinePipelineTest {

  @TempDir private Path folder;
  private ToyOnlineRun toy;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    toy = ToyOnlineRun.in(folder, session);
  }

  @Test
  void grpoLearnsWhatItsRewardLikes() throws Exception {
    RunManifest manifest =
        toy.run(
            "grpo", "train.max_steps=12", "train.learning_rate=0.01", "rollout.temperature=0.9");

    List<JsonNode> lines = toy.metrics("grpo");
    assertThat(lines).hasSize(12);
    assertThat(lines.get(0).fieldNames())
        .toIterable()
        .contains(
            "reward",
            "reward_std",
            "rewards/letters/mean",
            "frac_reward_zero_std",
            "completions/mean_length",
            "completions/clipped_ratio",
            "rollout_seconds",
            "reward_seconds");
    assertThat(mean(lines.subList(8, 12), "reward"))
        .isGreaterThan(mean(lines.subList(0, 4), "reward") + 0.05);
    Map<String, Object> after = manifest.evaluation().get(RunManifest.AFTER);
    assertThat((double) after.get("eval_reward"))
        .isGreaterThan((double) manifest.evaluation().get(RunManifest.BEFORE).get("eval_reward"));
    assertThat(folder.resolve("grpo/rollouts/step-00000001.parquet")).exists();
  }

  @Test
  void aRolloutServesSeveralSteps() throws Exception {
    toy.run(
        "several",
        "train.max_steps=5",
        "rollout.num_iterations=2",
        "rollout.steps_per_generation=2",
        "objective.beta=0.1");

    List<JsonNode> lines = toy.metrics("several");
    assertThat(lines).hasSize(5);
    assertThat(lines.stream().map(line -> line.has("reward")))
        .containsExactly(true, false, false, false, true);
    assertThat(lines.get(0).get("kl").asDouble()).isZero();
    assertThat(lines.get(3).get("kl").asDouble()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rloo", "reinforce_plus_plus", "ppo"})
  void theOthersRunInTheSameLoop(String objective) throws Exception {
    RunManifest manifest =
        toy.run(
            objective,
            "objective={name: " + objective + "}",
            "train.max_steps=4",
            "rollout.num_iterations=2");

    assertThat(toy.metrics(objective))
        .hasSize(4)
        .allSatisfy(line -> assertThat(line.get("loss").isNumber()).isTrue());
    assertThat(manifest.evaluation().get(RunManifest.AFTER)).containsKey("eval_reward");
  }

  @Test
  void onlineDpoLearnsFromPairsThatItsPolicyMakes() throws Exception {
    toy.run(
        "pairs",
        "objective={name: online_dpo}",
        "data.train.0.path=" + folder.resolve("vowels.jsonl"),
        "train.max_steps=16",
        "train.learning_rate=0.01",
        "rollout.temperature=0.9");

    List<JsonNode> lines = toy.metrics("pairs");
    assertThat(lines).hasSize(16);
    assertThat(lines.get(0).fieldNames())
        .toIterable()
        .contains(
            "reward",
            "objective/scores",
            "objective/scores_margin",
            "objective/kl",
            "objective/rlhf_reward",
            "val/contain_eos_token",
            "rewards/margins");
    assertThat(lines.get(0).get("loss").asDouble()).isCloseTo(Math.log(2), within(1e-4));
    assertThat(lines.get(0).get("rewards/chosen").asDouble()).isCloseTo(0, within(1e-4));
    assertThat(lines.get(15).get("objective/kl").asDouble()).isPositive();
    assertThat(mean(lines.subList(12, 16), "reward"))
        .isGreaterThan(mean(lines.subList(0, 4), "reward") + 0.05);
  }

  @Test
  void theReferenceWritesTheSecondCompletionOfXpo() throws Exception {
    toy.run(
        "xpo",
        "objective={name: xpo}",
        "data.train.0.path=" + folder.resolve("vowels.jsonl"),
        "train.max_steps=8",
        "train.learning_rate=0.01",
        "adapter={r: 4}");

    List<JsonNode> lines = toy.metrics("xpo");
    assertThat(mean(lines.subList(4, 8), "objective/model_scores"))
        .isGreaterThan(mean(lines.subList(4, 8), "objective/ref_scores"));
    assertThat(lines.get(0).get("loss/xpo").asDouble()).isNegative();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "adapter={r: 4}"})
  void nashMdPlaysAgainstTheMixture(String adapter) throws Exception {
    String output = "nash" + adapter.length();
    List<String> overrides =
        new ArrayList<>(
            List.of(
                "objective={name: nash_md}",
                "train.max_steps=8",
                "train.learning_rate=0.01",
                "rollout.num_iterations=2"));
    if (!adapter.isEmpty()) {
      overrides.add(adapter);
    }
    toy.run(output, overrides.toArray(String[]::new));

    List<JsonNode> lines = toy.metrics(output);
    assertThat(lines).hasSize(8);
    assertThat(lines.get(0).get("loss/kl").asDouble()).isCloseTo(0, within(1e-4));
    assertThat(lines.get(7).get("loss/kl").asDouble()).isNotCloseTo(0, within(1e-3));
    assertThat(lines.get(0).get("rewards/probabilities").asDouble()).isBetween(0.2, 0.8);
  }

  /** Another engine wrote rows of letters; it found some of them less probable than the policy. */
  @Test
  void completionsMayStandInTheRows() throws Exception {
    writeCompletions(-3);
    RunManifest manifest =
        toy.run("given", "rollout.source=data", "train.max_steps=4", "data.max_bad_rows=0.2");

    List<JsonNode> lines = toy.metrics("given");
    assertThat(lines).hasSize(4);
    assertThat(lines.get(0).get("completions/mean_length").asDouble()).isEqualTo(3);
    assertThat(lines.get(0).get("rewards/letters/mean").asDouble()).isPositive();
    assertThat(lines.get(0).get("sampling/sampling_logp_difference/max").asDouble()).isPositive();
    assertThat(lines.get(0).get("sampling/importance_sampling_ratio/max").asDouble())
        .isLessThanOrEqualTo(3);
    assertThat(manifest.accounting().refused()).isEqualTo(1);
    assertThat(manifest.evaluation().get(RunManifest.AFTER)).containsKey("eval_reward");
  }

  /** e^100 times as probable under the policy: masked, they teach nothing; truncated, they do. */
  @Test
  void whatTheEngineDidNotMeanIsNotLearned() throws Exception {
    writeCompletions(-100);
    String[] common = {"rollout.source=data", "train.max_steps=2", "data.max_bad_rows=0.2"};
    toy.run("masked", common);
    toy.run(
        "truncated",
        common[0],
        common[1],
        common[2],
        "rollout.importance_sampling_mode=token_truncate");

    JsonNode masked = toy.metrics("masked").get(0);
    assertThat(masked.get("sampling/importance_sampling_ratio/max").asDouble()).isZero();
    assertThat(masked.get("grad_norm").asDouble()).isZero();
    JsonNode truncated = toy.metrics("truncated").get(0);
    assertThat(truncated.get("sampling/importance_sampling_ratio/min").asDouble()).isEqualTo(3);
    assertThat(truncated.get("grad_norm").asDouble()).isPositive();
  }

  @Test
  void aPromptWithAnotherNumberOfCompletionsIsNamed() throws IOException {
    writeCompletions(-3);
    assertThatThrownBy(() -> toy.run("refused", "rollout.source=data"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("data.max_bad_rows")
        .hasMessageContaining("completion_count")
        .hasMessageContaining("rows.jsonl")
        .hasMessageContaining("has 1 items, objective.num_generations is 4");
  }

  /** The last row brings one completion instead of four. */
  private void writeCompletions(double logProb) throws IOException {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      List<String> ids = new ArrayList<>();
      List<String> logProbs = new ArrayList<>();
      for (int sample = 0; sample < (row == 11 ? 1 : 4); sample++) {
        // Ids of letters around that of e, by bytes.
        ids.add("[%d, %d, 2]".formatted(100 + sample, 103 + sample));
        logProbs.add("[%s, %s, %s]".formatted(logProb, logProb, logProb));
      }
      rows.add(
          "{\"prompt\": \"row %d: \", \"letter\": \"e\", \"completions_input_ids\": %s, \"logprobs\": %s}"
              .formatted(row, ids, logProbs));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
  }

  /** The mixer has seen prompts of rows whose answers were liked for their letters. */
  @Test
  void thePromptMaySayWhichRewardCounts() throws Exception {
    List<PromptMixer.Preferred> answers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      answers.add(
          new PromptMixer.Preferred(i % 2 == 0 ? "row" : "sum", new double[] {i % 2, 1 - i % 2}));
    }
    Path mixer = folder.resolve("mixer.json");
    Files.writeString(mixer, PromptMixer.fit(List.of("letters", "ended"), answers, 0.3).toJson());
    String[] overrides = {
      "train.max_steps=2",
      "rollout.reward_mixer=" + mixer,
      "rewards=[{name: dev.collimate.train.LetterReward, label: letters}, {name:"
          + " repetition_penalty, label: ended, max_penalty: -1.0}]"
    };
    toy.run("mixed", overrides);

    JsonNode line = toy.metrics("mixed").get(0);
    assertThat(line.has("rewards/letters/mean")).isTrue();
    assertThat(line.get("reward").asDouble())
        .isEqualTo(line.get("rewards/prompt_adaptive/mean").asDouble());

    Files.writeString(mixer, PromptMixer.fit(List.of("ended", "letters"), answers, 0.3).toJson());
    assertThatThrownBy(() -> toy.run("other", overrides))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "rollout.reward_mixer: is of the rewards [ended, letters], the run file names [letters,"
                + " ended]; give them the same labels in the same order");
  }

  /** Pairs whose chosen side is what the reward likes: both sides and completions teach it. */
  @Test
  void loggedPairsAndCompletionsAreLearnedFromTogether() throws Exception {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      rows.add(
          "{\"prompt\": \"row %d: \", \"letter\": \"e\", \"chosen\": \"eee\", \"rejected\": \"no\"}"
              .formatted(row));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
    String[] overrides = {
      "objective={name: drpo, n_rollouts: 2}", "train.max_steps=4", "train.learning_rate=0.003"
    };
    toy.run("pairs", overrides);
    toy.run("again", overrides);

    List<JsonNode> lines = toy.metrics("pairs");
    assertThat(lines).hasSize(4);
    // The policy is the reference still; the two are run in batches of other shapes.
    assertThat(lines.get(0).get("drpo/ratio").asDouble()).isCloseTo(1, within(1e-5));
    assertThat(lines.get(0).get("drpo/accuracy").asDouble()).isEqualTo(1);
    assertThat(lines.get(0).get("kl").asDouble()).isCloseTo(0, within(1e-5));
    assertThat(lines.get(3).get("kl").asDouble()).isGreaterThan(1e-4);
    assertThat(toy.metrics("again").get(3).get("loss")).isEqualTo(lines.get(3).get("loss"));
    assertThatThrownBy(() -> toy.run("given", "objective={name: drpo}", "rollout.source=data"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("rollout.source: must be policy for drpo, got data");
  }

  @Test
  void vadeChoosesPromptsByWhatTheyScored() throws Exception {
    toy.run("vade", "train.max_steps=6", "rollout.sampler=vade");

    assertThat(toy.metrics("vade"))
        .hasSize(6)
        .allSatisfy(line -> assertThat(line.get("frac_reward_zero_std").isNumber()).isTrue());
  }

  private static double mean(List<JsonNode> lines, String metric) {
    return lines.stream().mapToDouble(line -> line.get(metric).asDouble()).average().orElseThrow();
  }
}

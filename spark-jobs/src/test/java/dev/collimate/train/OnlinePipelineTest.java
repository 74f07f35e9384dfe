package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.data.LocalSpark;
import dev.collimate.report.RunManifest;
import java.io.IOException;
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

  private static double mean(List<JsonNode> lines, String metric) {
    return lines.stream().mapToDouble(line -> line.get(metric).asDouble()).average().orElseThrow();
  }
}

package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.config.RunConfig;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.report.RunManifest;
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
  private SparkSession spark;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      rows.add("{\"prompt\": \"row %d: \", \"letter\": \"e\"}".formatted(row));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
  }

  @Test
  void grpoLearnsWhatItsRewardLikes() throws Exception {
    RunManifest manifest =
        run("grpo", "train.max_steps=12", "train.learning_rate=0.01", "rollout.temperature=0.9");

    List<JsonNode> lines = metrics("grpo");
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
    run(
        "several",
        "train.max_steps=5",
        "rollout.num_iterations=2",
        "rollout.steps_per_generation=2",
        "objective.beta=0.1");

    List<JsonNode> lines = metrics("several");
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
        run(
            objective,
            "objective={name: " + objective + "}",
            "train.max_steps=4",
            "rollout.num_iterations=2");

    assertThat(metrics(objective))
        .hasSize(4)
        .allSatisfy(line -> assertThat(line.get("loss").isNumber()).isTrue());
    assertThat(manifest.evaluation().get(RunManifest.AFTER)).containsKey("eval_reward");
  }

  @Test
  void vadeChoosesPromptsByWhatTheyScored() throws Exception {
    run("vade", "train.max_steps=6", "rollout.sampler=vade");

    assertThat(metrics("vade"))
        .hasSize(6)
        .allSatisfy(line -> assertThat(line.get("frac_reward_zero_std").isNumber()).isTrue());
  }

  private static double mean(List<JsonNode> lines, String metric) {
    return lines.stream().mapToDouble(line -> line.get(metric).asDouble()).average().orElseThrow();
  }

  private RunManifest run(String output, String... overrides) throws Exception {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}], eval_fraction: 0.3}
        objective: {name: grpo, num_generations: 4}
        rollout: {batch_size: 2, max_completion_length: 12}
        rewards: [{name: dev.collimate.train.LetterReward, label: letters}]
        train: {global_batch_size: 16, micro_batch_size: 4, lr_scheduler_type: constant, learning_rate: 1.0e-3}
        cluster: {workers: 1, threads: 1}
        """
            .formatted(
                folder.resolve("model"), folder.resolve(output), folder.resolve("rows.jsonl"));
    RunConfig config = RunConfig.read(yaml, "run.yaml", List.of(overrides));
    return new Pipeline(spark, config, RunProgress.SILENT).run(Pipeline.Stage.REPORT);
  }

  private List<JsonNode> metrics(String output) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve(output).resolve("metrics.jsonl"))) {
      JsonNode one = new ObjectMapper().readTree(line);
      if (one.has("loss")) {
        lines.add(one);
      }
    }
    return lines;
  }
}

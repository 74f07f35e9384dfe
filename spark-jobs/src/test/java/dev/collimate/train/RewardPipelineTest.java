package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.RunConfig;
import dev.collimate.config.Source;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.executor.ModelSpec;
import dev.collimate.files.LocalFolder;
import dev.collimate.inference.Score;
import dev.collimate.nn.Precision;
import dev.collimate.report.RunManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A reward model from rows to rewards: trained, written, read again. */
@ExtendWith(LocalSpark.class)
class RewardPipelineTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;
  private SparkSession spark;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 16; row++) {
      rows.add(
          "{\"prompt\": \"%d: \", \"chosen\": \"good\", \"rejected\": \"bad\", \"margin\": %d}"
              .formatted(row, row % 2));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
  }

  @Test
  void aCausalModelBecomesASequenceClassifierThatPrefersTheChosen() throws Exception {
    RunManifest manifest = train("run");

    Map<String, Object> after = manifest.evaluation().get(RunManifest.AFTER);
    assertThat((double) after.get("eval_accuracy")).isEqualTo(1);
    assertThat((double) after.get("eval_loss"))
        .isLessThan((double) manifest.evaluation().get(RunManifest.BEFORE).get("eval_loss"));
    assertThat((double) after.get("eval_min_reward"))
        .isLessThan((double) after.get("eval_mean_reward"));
    assertThat((double) after.get("eval_mean_reward"))
        .isLessThan((double) after.get("eval_max_reward"));
    assertThat(manifest.samples()).as("a reward model answers no prompt").isEmpty();
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(folder.resolve("run/model")))) {
      assertThat(model.config().numLabels()).isEqualTo(1);
      assertThat(model.tensors().names()).contains("score.weight").doesNotContain("lm_head.weight");
    }
    assertChosenPreferred(score(spec("run/model", Optional.empty()), "rows.jsonl"));
  }

  @Test
  void anAdapterBringsItsHeadToTheCausalModel() throws Exception {
    train("run", "adapter={r: 4, target_modules: all-linear}");

    try (AdapterFolder adapter =
        AdapterFolder.open(LocalFolder.existing(folder.resolve("run/adapter")))) {
      assertThat(adapter.tensors().names()).contains("base_model.model.score.weight");
    }
    assertChosenPreferred(score(spec("model", Optional.of("run/adapter")), "rows.jsonl"));
  }

  @Test
  void aPairHasTheRewardsOfItsTexts() throws Exception {
    train("run");
    ModelSpec model = spec("run/model", Optional.empty());
    Files.writeString(
        folder.resolve("texts.jsonl"),
        """
        {"prompt": "3: ", "completion": "good"}
        {"text": "3: bad"}
        """);
    Files.writeString(
        folder.resolve("pair.jsonl"),
        "{\"prompt\": \"3: \", \"chosen\": \"good\", \"rejected\": \"bad\"}\n");

    JsonNode pair = score(model, "pair.jsonl").get(0);
    List<JsonNode> texts = score(model, "texts.jsonl");

    // A pair is a batch of two texts, which rounds in another way than each alone.
    assertThat(texts.get(0).get("reward").asDouble())
        .isCloseTo(pair.get("chosen_reward").asDouble(), within(1e-5));
    assertThat(texts.get(1).get("reward").asDouble())
        .isCloseTo(pair.get("rejected_reward").asDouble(), within(1e-5));
  }

  @Test
  void aRewardModelAndALanguageModelDoNotStandForEachOther() throws Exception {
    train("run");
    RunConfig dpo = run("dpo", "objective={name: dpo}", "model=" + folder.resolve("run/model"));

    assertThatThrownBy(() -> PolicySource.open(dpo, new Configuration()))
        .isInstanceOf(CollimateException.class)
        .hasMessageEndingWith(
            "gives scores of sequences (a reward model), objective dpo trains a causal language model");
    assertThatThrownBy(() -> score(spec("model", Optional.empty()), "rows.jsonl"))
        .isInstanceOf(CollimateException.class)
        .hasMessageEndingWith("which gives no rewards; give a reward model, or leave --reward out");
    assertThatThrownBy(() -> spec("run/model", Optional.empty()).requireCausal("--model"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("gives scores of sequences (a reward model)");
  }

  private static void assertChosenPreferred(List<JsonNode> scored) {
    assertThat(scored)
        .hasSize(16)
        .allSatisfy(
            row ->
                assertThat(row.get("chosen_reward").asDouble())
                    .isGreaterThan(row.get("rejected_reward").asDouble()));
  }

  private RunManifest train(String output, String... overrides) throws Exception {
    return new Pipeline(spark, run(output, overrides), RunProgress.SILENT)
        .run(Pipeline.Stage.REPORT);
  }

  private RunConfig run(String output, String... overrides) {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}], eval_fraction: 0.3}
        objective: {name: reward, center_rewards_coefficient: 0.01}
        train: {max_steps: 20, global_batch_size: 4, micro_batch_size: 2, learning_rate: 1.0e-2}
        cluster: {workers: 1, threads: 1}
        """
            .formatted(
                folder.resolve("model"), folder.resolve(output), folder.resolve("rows.jsonl"));
    return RunConfig.read(yaml, "run.yaml", List.of(overrides));
  }

  private ModelSpec spec(String model, Optional<String> adapter) {
    return ModelSpec.of(
        "--model",
        folder.resolve(model).toString(),
        "--adapter",
        adapter.map(name -> folder.resolve(name).toString()),
        Precision.FLOAT32,
        1,
        new Configuration());
  }

  private List<JsonNode> score(ModelSpec model, String data) throws IOException {
    Path out = folder.resolve("scored-" + data);
    Source rows =
        new Source(
            Optional.of(folder.resolve(data).toString()),
            Optional.empty(),
            Optional.empty(),
            Map.of(),
            List.of());
    Score.run(spark, model, rows, out.toString(), Score.Detail.REWARDS);
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(out)) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }
}

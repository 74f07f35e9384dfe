package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs on pairs, of objectives that ask for more than pairs and a reference. */
@ExtendWith(LocalSpark.class)
class ObjectivePipelineTest {

  private static final int PAIRS = 12;

  @TempDir private Path folder;
  private SparkSession spark;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < PAIRS; row++) {
      rows.add(
          "{\"prompt\": \"row %d \", \"chosen\": \"says %d\", \"rejected\": \"says nothing\"}"
              .formatted(row, 7 * row));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
  }

  @Test
  void ktoLearnsFromTheSidesOfPairs() throws Exception {
    RunManifest manifest = run("kto", "train.max_steps=6", "train.learning_rate=0.01");

    assertThat(manifest.accounting().read()).isEqualTo(PAIRS);
    assertThat(manifest.accounting().made()).isEqualTo(2 * PAIRS);
    List<JsonNode> lines = metrics("kto");
    JsonNode first = lines.get(0);
    // Policy and reference are one model, so every row costs 1 - sigmoid(0).
    assertThat(first.get("kl").asDouble()).isCloseTo(0, within(1e-4));
    assertThat(first.get("loss").asDouble()).isCloseTo(0.5, within(1e-4));
    assertThat(lines.get(lines.size() - 1).get("loss").asDouble()).isLessThan(0.49);
    assertThat(lines.get(lines.size() - 1).get("rewards/margins").asDouble()).isPositive();
    assertThat(first.fieldNames())
        .toIterable()
        .contains("logps/chosen", "logits/rejected", "rewards/rejected");
    assertThat(manifest.evaluation().get(RunManifest.AFTER)).containsKeys("eval_kl", "eval_loss");
  }

  @Test
  void theRunningMeanOfBcoGoesOnFromStepToStep() throws Exception {
    run("bco", "objective.name=bco", "train.max_steps=4", "train.learning_rate=0.01");

    List<Double> deltas =
        metrics("bco").stream().map(line -> line.get("delta").asDouble()).toList();
    assertThat(deltas).hasSize(4).doesNotHaveDuplicates();
    assertThat(deltas.get(0)).isCloseTo(0, within(1e-4));
    assertThat(deltas.get(3)).isNotCloseTo(0, within(1e-4));
  }

  @Test
  void orpoRunsWithoutAReference() throws Exception {
    run("orpo", "objective.name=orpo", "train.max_steps=2");

    assertThat(folder.resolve("orpo/reference")).doesNotExist();
    assertThat(metrics("orpo").get(0).fieldNames())
        .toIterable()
        .contains("nll_loss", "log_odds_ratio", "log_odds_chosen", "rewards/accuracies");
  }

  /** The rationale's loss is of the policy alone. */
  @Test
  void noReferenceIsComputedOfARationale() throws Exception {
    run(
        "rationale",
        "objective={name: dpo, rationale_weight: 0.5, rationale_template: '{prompt}?'}",
        "data.train.0.path=" + withRationales(),
        "train.max_steps=1");

    try (Stream<Path> files = Files.walk(folder.resolve("rationale/reference"))) {
      Path part =
          files.filter(file -> file.toString().endsWith(".parquet")).findFirst().orElseThrow();
      assertThat(spark.read().parquet(part.toString()).schema().treeString())
          .contains("chosen", "rejected")
          .doesNotContain("rationale");
    }
  }

  private Path withRationales() throws IOException {
    List<String> rows = new ArrayList<>();
    for (String row : Files.readAllLines(folder.resolve("rows.jsonl"))) {
      rows.add(row.replace("}", ", \"rationale\": \"it says a number\"}"));
    }
    return Files.write(folder.resolve("rationales.jsonl"), rows);
  }

  private RunManifest run(String output, String... overrides) throws Exception {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}], eval_fraction: 0.3}
        objective: {name: kto}
        train: {global_batch_size: 6, micro_batch_size: 2, lr_scheduler_type: constant}
        cluster: {workers: 1, threads: 1}
        """
            .formatted(
                folder.resolve("model"), folder.resolve(output), folder.resolve("rows.jsonl"));
    RunConfig config = RunConfig.read(yaml, "run.yaml", List.of(overrides));
    return new Pipeline(spark, config, RunProgress.SILENT).run(Pipeline.Stage.EVALUATE);
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

package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.Prepare;
import dev.collimate.data.PreparedData;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.RowFacts;
import dev.collimate.data.ToyModel;
import dev.collimate.objective.Objectives;
import dev.collimate.report.RunManifest;
import dev.collimate.report.RunManifest.State;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Runs on whole texts, with the one worker that a local session has. */
@ExtendWith(LocalSpark.class)
class PipelineTest {

  private final Configuration configuration = new Configuration();
  @TempDir private Path folder;
  private SparkSession spark;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      rows.add("{\"text\": \"row %d says so\"}".formatted(row));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
  }

  @Test
  void aReportListsEveryFileAndTheHeldOutRowsOfTexts() throws Exception {
    RunManifest manifest = pipeline("run").run(Pipeline.Stage.REPORT);

    assertThat(manifest.state()).isEqualTo(State.COMPLETE);
    assertThat(manifest.evaluation()).containsOnlyKeys(RunManifest.BEFORE, RunManifest.AFTER);
    assertThat(manifest.samples())
        .as("a whole text has no prompt to complete")
        .hasSize(3)
        .containsOnly(new RunManifest.Sample("", "", ""));
    assertThat(manifest.files())
        .extracting(PublishedFile::name)
        .contains("report.html", "metrics.jsonl", "model/config.json", "data/index.json")
        .contains("checkpoints/step-2/masters.f32", "checkpoints/step-2/checkpoint.json");
    String report = Files.readString(folder.resolve("run/report.html"));
    for (PublishedFile file : manifest.files()) {
      assertThat(file).isEqualTo(Publication.measure(storage("run"), root("run"), file.name()));
      assertThat(report.contains(file.name())).isEqualTo(!file.name().equals("report.html"));
    }
  }

  @Test
  void aDriverLostAfterThePublicationLeavesTheAccountingToTheNext() throws Exception {
    RunManifest trained = pipeline("run").run(Pipeline.Stage.TRAIN);
    org.apache.hadoop.fs.Path path = new RunDirectory(output("run")).manifest();
    trained
        .withTraining(Map.of(), Map.of(), true)
        .withState(State.RUNNING, RunManifest.Failure.NONE)
        .write(storage("run"), path);

    RunManifest again = pipeline("run").run(Pipeline.Stage.TRAIN);

    assertThat(again.state()).isEqualTo(State.TRAINED);
    assertThat(again.training())
        .containsEntry("steps", 2L)
        .containsEntry("rows_trained", trained.training().get("rows_trained"));
    assertThat(again.numerics()).isEqualTo(trained.numerics()).isNotEmpty();
  }

  @Test
  void aRunGoesOnOnlyWithTheModelFilesThatItBeganWith() throws Exception {
    pipeline("run").run(Pipeline.Stage.PREPARE);
    ToyModel.write(folder.resolve("other"), 2);
    Files.copy(
        folder.resolve("other/model.safetensors"),
        folder.resolve("model/model.safetensors"),
        StandardCopyOption.REPLACE_EXISTING);

    assertThatThrownBy(() -> pipeline("run").run(Pipeline.Stage.PREPARE))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("model: the files there are not those that the run in ");
  }

  @Test
  void theCheckpointsOfAnotherRunAreNotTrainedOver() throws Exception {
    pipeline("other", "seed=7").run(Pipeline.Stage.TRAIN);
    pipeline("run").run(Pipeline.Stage.PREPARE);
    Files.move(folder.resolve("other/checkpoints"), folder.resolve("run/checkpoints"));

    assertThatThrownBy(() -> pipeline("run").run(Pipeline.Stage.TRAIN))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("checkpoints/step-2' is of another run");
  }

  @Test
  void aFreshRunHasTheNumericsOfItsReference() throws Exception {
    pipeline("run").run(Pipeline.Stage.PREPARE);
    RunConfig run =
        run("run").located((key, location) -> Storage.absolute(key, location, configuration));
    PreparedData data =
        PreparedData.open(
            new org.apache.hadoop.fs.Path(output("run"), Prepare.FOLDER), configuration);
    Map<Split, RowFacts> facts = new EnumMap<>(Split.class);
    for (Split split : Split.values()) {
      facts.put(split, RowFacts.load(data, split, configuration));
    }
    TrainStage.Reference reference =
        new TrainStage.Reference(Map.of(), Map.of("test", "another machine"), /* exact= */ true);
    RunDirectory directory = new RunDirectory(output("run"));
    try (PolicySource policy = PolicySource.open(run, configuration)) {
      TrainStage stage =
          new TrainStage(
              JavaSparkContext.fromSparkContext(spark.sparkContext()),
              run,
              directory,
              policy,
              data,
              Objectives.create("sft", Map.of()),
              facts,
              reference,
              RunProgress.SILENT);

      TrainingState start = stage.start(new CheckpointStore(directory, configuration, () -> {}));

      assertThat(start.progress().numerics()).isEqualTo(reference.numerics());
    }
  }

  /** Four pairs a step. */
  @Test
  void sharedPromptsCostTheirTokensOnceAndTrainTheSamePolicy() throws Exception {
    writePairs();
    String dpo = "objective={name: dpo}";
    String allRows = "data.eval_fraction=0";

    pipeline("alone", dpo, allRows).run(Pipeline.Stage.TRAIN);
    pipeline("sharing", dpo, allRows, "train.prefix_sharing=true").run(Pipeline.Stage.TRAIN);

    List<JsonNode> alone = steps("alone");
    List<JsonNode> shared = steps("sharing");
    assertThat(shared).hasSameSizeAs(alone).isNotEmpty();
    for (int i = 0; i < alone.size(); i++) {
      assertThat(shared.get(i).get("loss").asDouble())
          .isCloseTo(alone.get(i).get("loss").asDouble(), within(1e-5));
      assertThat(shared.get(i).get("grad_norm").asDouble())
          .isCloseTo(alone.get(i).get("grad_norm").asDouble(), within(1e-4));
      assertThat(shared.get(i).get("num_tokens")).isEqualTo(alone.get(i).get("num_tokens"));
      assertThat(alone.get(i).get("computed_tokens").asInt()).isEqualTo(4 * 2 * (5 + 3));
      assertThat(shared.get(i).get("computed_tokens").asInt()).isEqualTo(4 * (5 + 3 + 1 + 2));
    }
  }

  /** Where policy and reference are one model every token's log-ratio is 0. */
  @Test
  void tokensOfTheReferenceReachTrainingAndHeldOutRows() throws Exception {
    writePairs();
    String learning = "train.learning_rate=0.01";

    RunManifest alone = dpo("alone", "{name: dpo}", learning);
    RunManifest desensitized = dpo("desensitized", "{name: dpo, ld_alpha: 0.5}", learning);

    JsonNode first = steps("desensitized").get(0);
    assertThat(first.get("loss").asDouble()).isEqualTo(Math.log(2));
    assertThat(first.get("rewards/chosen").asDouble()).isZero();
    assertThat(first.get("rewards/rejected").asDouble()).isZero();
    assertThat(desensitized.evaluation().get(RunManifest.BEFORE))
        .containsEntry("eval_rewards/chosen", 0.0)
        .containsEntry("eval_rewards/rejected", 0.0);
    assertThat(first.get("logps/chosen").asDouble())
        .isGreaterThan(steps("alone").get(0).get("logps/chosen").asDouble());
    assertThat(desensitized.evaluation().get(RunManifest.AFTER).get("eval_rewards/chosen"))
        .isNotEqualTo(alone.evaluation().get(RunManifest.AFTER).get("eval_rewards/chosen"))
        .isNotEqualTo(0.0);
  }

  @Test
  void tokensOfTheReferenceReachLocalSteps() throws Exception {
    writePairs();
    dpo("local", "{name: dpo, ld_alpha: 0}", "train.sync_every=2", "train.replicas=2");

    assertThat(steps("local").get(0).get("rewards/chosen").asDouble()).isZero();
  }

  @Test
  void aReferenceThatTakesNothingOfThePolicyStays() throws Exception {
    writePairs();
    String learning = "train.learning_rate=0.01";
    dpo("stays", "{name: dpo}", learning);
    dpo(
        "mixed",
        "{name: dpo, sync_ref_model: true, ref_model_mixup_alpha: 0, ref_model_sync_steps: 1}",
        learning);

    assertThat(checkpoint("mixed", "masters")).isEqualTo(checkpoint("stays", "masters"));
  }

  /** Rows run by themselves, so a reference that is the policy gives the policy's bits. */
  @Test
  void aReferenceThatBecomesThePolicyIsAtNoDistanceInAnyStep() throws Exception {
    writePairs();
    RunManifest manifest =
        dpo(
            "follows",
            "{name: dpo, sync_ref_model: true, ref_model_mixup_alpha: 1, ref_model_sync_steps: 1}",
            "train.learning_rate=0.01");

    assertThat(steps("follows"))
        .hasSize(2)
        .allSatisfy(line -> assertThat(line.get("loss").asDouble()).isEqualTo(Math.log(2)));
    assertThat(manifest.evaluation().get(RunManifest.AFTER))
        .containsEntry("eval_rewards/chosen", 0.0);
    assertThat(checkpoint("follows", "reference")).isEqualTo(checkpoint("follows", "masters"));
  }

  @Test
  void divergencesAndMasksAreReadOfTheReferenceBesideThePolicy() throws Exception {
    writePairs();
    String learning = "train.learning_rate=0.01";
    dpo("tdpo", "{name: sparsepo, mask: ones}", learning);
    RunManifest manifest = dpo("masked", "{name: sparsepo, l1_reward: 0.5}", learning);

    assertThat(steps("tdpo").get(0).get("loss").asDouble()).isEqualTo(Math.log(2));
    assertThat(steps("tdpo").get(0).get("kl/chosen").asDouble()).isZero();
    assertThat(steps("tdpo").get(1).get("kl/chosen").asDouble()).isPositive();
    assertThat(steps("masked").get(0).get("loss").asDouble()).isGreaterThan(Math.log(2));
    assertThat(manifest.evaluation().get(RunManifest.AFTER))
        .containsKeys("eval_loss", "eval_mask_zeros/chosen");
    // The networks' parameters are trained, and are no part of the model that is published.
    assertThat(checkpoint("masked", "masters"))
        .hasSizeGreaterThan(checkpoint("tdpo", "masters").length);
    assertThat(Files.size(folder.resolve("masked/model/model.safetensors")))
        .isEqualTo(Files.size(folder.resolve("tdpo/model/model.safetensors")));
  }

  @Test
  void headsLearnToTellHowMuchWasDeleted() throws Exception {
    List<String> pairs = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      pairs.add(
          "{\"prompt_input_ids\": [9, %d, 8], \"chosen_input_ids\": [%d, 6, 2], \"rejected_input_ids\": [%d, 7, 2], \"chosen_degraded_1_input_ids\": [6, 2], \"rejected_degraded_1_input_ids\": [7, 2]}"
              .formatted(row + 3, row % 5 + 3, row % 7 + 9));
    }
    Files.write(folder.resolve("rows.jsonl"), pairs);
    dpo(
        "degrees",
        "{name: dpo, degree_weight: 1, degree_levels: 2}",
        "train.learning_rate=0.01",
        "train.max_steps=8");

    List<JsonNode> lines = steps("degrees");
    assertThat(lines.get(0).get("degree_loss").asDouble()).isEqualTo(2 * Math.log(2));
    assertThat(lines.get(7).get("degree_loss").asDouble()).isLessThan(1.3);
  }

  private byte[] checkpoint(String output, String vector) throws IOException {
    return Files.readAllBytes(
        folder.resolve(output).resolve("checkpoints/step-2").resolve(vector + ".f32"));
  }

  /** Rows run by themselves, as in the reference's pass, so that equal models give equal bits. */
  private RunManifest dpo(String output, String objective, String... overrides) throws Exception {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("objective=" + objective);
    all.add("train.micro_batch_size=1");
    return pipeline(output, all.toArray(String[]::new)).run(Pipeline.Stage.EVALUATE);
  }

  /** Prompts of 5 tokens, completions of 3 and 2. */
  private void writePairs() throws IOException {
    List<String> pairs = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      pairs.add(
          "{\"prompt_input_ids\": [9, %d, 8, 7, 5], \"chosen_input_ids\": [%d, 6, 2], \"rejected_input_ids\": [%d, 2]}"
              .formatted(row + 3, row % 5 + 3, row % 7 + 9));
    }
    Files.write(folder.resolve("rows.jsonl"), pairs);
  }

  /** The lines of metrics.jsonl that are of training steps. */
  private List<JsonNode> steps(String output) throws IOException {
    List<JsonNode> steps = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve(output).resolve("metrics.jsonl"))) {
      JsonNode metrics = new ObjectMapper().readTree(line);
      if (metrics.has("computed_tokens")) {
        steps.add(metrics);
      }
    }
    return steps;
  }

  /** Every step lowers the loss, so that the first one has the greatest. */
  @Test
  void theBestCheckpointIsPublishedAndKept() throws Exception {
    String[] best = {
      "train.max_steps=4",
      "train.learning_rate=1.0e-3",
      "train.save_steps=1",
      "train.eval_steps=1",
      "train.save_total_limit=2",
      "train.load_best_model_at_end=true",
      "train.metric_for_best_model=eval_loss",
      "train.greater_is_better=true"
    };

    RunManifest manifest = pipeline("best", best).run(Pipeline.Stage.EVALUATE);

    Map<Long, Double> losses = evaluations("best");
    assertThat(losses).containsOnlyKeys(1L, 2L, 3L, 4L);
    assertThat(List.copyOf(losses.values())).isSortedAccordingTo(Comparator.reverseOrder());
    assertThat(manifest.training()).containsEntry("best_step", 1L).containsEntry("steps", 4L);
    assertThat(manifest.evaluation().get(RunManifest.AFTER))
        .as("the toy model is saved as float32")
        .containsEntry("eval_loss", losses.get(1L));
    assertThat(folder.resolve("best/checkpoints").toFile().list())
        .containsExactlyInAnyOrder("step-1", "step-4");
  }

  @Test
  void anUnknownMetricForTheBestModelIsFoundBeforeTheFirstStep() {
    assertThatThrownBy(
            () ->
                pipeline(
                        "unknown",
                        "train.load_best_model_at_end=true",
                        "train.metric_for_best_model=rouge")
                    .run(Pipeline.Stage.TRAIN))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("an evaluation has no eval_rouge; it has eval_");
  }

  private Map<Long, Double> evaluations(String name) throws IOException {
    Map<Long, Double> losses = new TreeMap<>();
    for (String line : Files.readAllLines(folder.resolve(name).resolve("metrics.jsonl"))) {
      JsonNode metrics = new ObjectMapper().readTree(line);
      if (metrics.has("eval_loss")) {
        losses.put(metrics.get("step").asLong(), metrics.get("eval_loss").doubleValue());
      }
    }
    return losses;
  }

  private Pipeline pipeline(String output, String... overrides) {
    return new Pipeline(spark, run(output, overrides), RunProgress.SILENT);
  }

  private RunConfig run(String output, String... overrides) {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}], eval_fraction: 0.3}
        objective: {name: sft}
        train: {max_steps: 2, global_batch_size: 4, micro_batch_size: 2}
        report: {samples: 3}
        cluster: {workers: 1, threads: 1}
        """
            .formatted(folder.resolve("model"), output(output), folder.resolve("rows.jsonl"));
    return RunConfig.read(yaml, "run.yaml", List.of(overrides));
  }

  private String output(String name) {
    return folder.resolve(name).toString();
  }

  private org.apache.hadoop.fs.Path root(String name) {
    return new org.apache.hadoop.fs.Path(output(name));
  }

  private Storage storage(String name) {
    return Storage.of(root(name), configuration);
  }
}

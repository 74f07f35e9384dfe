package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TensorFiles;
import dev.collimate.files.LocalFolder;
import dev.collimate.nn.AdapterSource;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.Engine;
import dev.collimate.nn.Quantity;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Twenty steps of other people's trainer, trained on two executors by one application. */
@Tag("fixtures")
class TrajectoryIT {

  private static final double LOSS = 1e-4;
  private static final double GRADIENT_NORM = 1e-3;
  private static final float LOGITS = 1e-3f;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path folder;

  @BeforeAll
  static void train() throws IOException {
    List<String> runs = new ArrayList<>();
    for (Path trajectory : trajectories()) {
      Path run = Files.createDirectories(folderOf(trajectory)).resolve("run.yaml");
      Files.writeString(run, runFile(trajectory, JSON.readTree(trajectory.toFile())));
      runs.add(run.toString());
    }
    Finished finished = Launcher.ofBuild().trainAll(2, runs);
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  @ParameterizedTest
  @MethodSource("trajectories")
  void twentyStepsOnTwoExecutors(Path file) throws IOException {
    JsonNode expected = JSON.readTree(file.toFile());
    List<String> lines = Files.readAllLines(folderOf(file).resolve("out/metrics.jsonl"));
    assertThat(lines).hasSize(expected.get("steps").size());
    for (int i = 0; i < lines.size(); i++) {
      JsonNode actual = JSON.readTree(lines.get(i));
      JsonNode step = expected.get("steps").get(i);
      assertThat(actual.get("loss").asDouble())
          .isCloseTo(step.get("loss").asDouble(), within(LOSS));
      double norm = step.get("grad_norm_before_clipping").asDouble();
      assertThat(actual.get("grad_norm").asDouble()).isCloseTo(norm, within(GRADIENT_NORM * norm));
      for (String name : List.of("rewards/chosen", "rewards/rejected", "rewards/accuracies")) {
        double value = step.get(name).asDouble();
        assertThat(actual.get(name).asDouble())
            .as(name)
            .isCloseTo(value, within(1e-4 + 1e-3 * Math.abs(value)));
      }
    }
    assertLastLogProbs(file, expected);
  }

  /** What the run wrote gives every token the probability that the expected logits give it. */
  private static void assertLastLogProbs(Path trajectory, JsonNode expected) throws IOException {
    int[][] ids = JSON.convertValue(expected.at("/final/input_ids"), int[][].class);
    List<Sequence> sequences = new ArrayList<>();
    for (int[] row : ids) {
      byte[] counted = new byte[row.length];
      Arrays.fill(counted, 1, row.length, (byte) 1);
      sequences.add(new Sequence(row, 1, counted));
    }
    float[] logits = expectedLogits(trajectory);
    int vocab = logits.length / (ids.length * ids[0].length);
    Engine.start(1, ComputeDevice.cpu());
    try (Decoder decoder = written(trajectory, expected);
        Pass pass = decoder.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.ON)) {
      float[][] logProbs = pass.values(Quantity.LOG_PROB);
      for (int row = 0; row < ids.length; row++) {
        for (int t = 1; t < ids[row].length; t++) {
          int start = (row * ids[row].length + t - 1) * vocab;
          float[] before = Arrays.copyOfRange(logits, start, start + vocab);
          assertThat(logProbs[row][t - 1])
              .as("row %d, token %d", row, t)
              .isCloseTo(logProb(before, ids[row][t]), within(LOGITS));
        }
      }
    }
  }

  private static Path folderOf(Path trajectory) {
    return folder
        .resolve(trajectory.getParent().getFileName())
        .resolve(trajectory.getFileName().toString().replace(".json", ""));
  }

  private static float logProb(float[] logits, int token) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - logits[token]);
    }
    return (float) -Math.log(sum);
  }

  private static Decoder written(Path trajectory, JsonNode expected) {
    if (!isOfAdapter(expected)) {
      try (ModelFolder model =
          ModelFolder.open(LocalFolder.existing(folderOf(trajectory).resolve("out/model")))) {
        return Decoder.load(model, DecoderOptions.frozen());
      }
    }
    LocalFolder adapted = LocalFolder.existing(folderOf(trajectory).resolve("out/adapter"));
    try (ModelFolder base = ModelFolder.open(LocalFolder.existing(trajectory.getParent()));
        AdapterFolder adapter = AdapterFolder.open(adapted)) {
      return Decoder.load(base, new AdapterSource.Continued(adapter), DecoderOptions.frozen());
    }
  }

  private static float[] expectedLogits(Path trajectory) throws IOException {
    Path copy = Files.createDirectory(folderOf(trajectory).resolve("expected"));
    Files.copy(
        Path.of(trajectory.toString().replace(".json", ".safetensors")),
        copy.resolve("model.safetensors"));
    try (TensorFiles tensors = TensorFiles.openModel(LocalFolder.existing(copy))) {
      return tensors.readFloat32("final_logits");
    }
  }

  private static boolean isOfAdapter(JsonNode expected) {
    return expected.get("trained").asText().startsWith("adapter");
  }

  /** Every trajectory of every model in the folder. */
  static List<Path> trajectories() throws IOException {
    String fixtures = System.getProperty("collimate.fixtures", System.getenv("COLLIMATE_FIXTURES"));
    assumeTrue(
        fixtures != null && Files.isDirectory(Path.of(fixtures, "models")),
        "no fixtures: set COLLIMATE_FIXTURES to their folder");
    try (Stream<Path> files = Files.walk(Path.of(fixtures, "models").toAbsolutePath(), 2)) {
      List<Path> found =
          files
              .filter(file -> file.getFileName().toString().matches("trajectory\\w*\\.json"))
              .sorted()
              .toList();
      System.out.printf("fixtures, trajectories by train: %d run, 0 skipped%n", found.size());
      return found;
    }
  }

  private static String runFile(Path trajectory, JsonNode expected) throws IOException {
    Path model = trajectory.getParent();
    List<String> rows = new ArrayList<>();
    for (JsonNode batch : expected.get("batches")) {
      for (JsonNode pair : batch) {
        rows.add(
            JSON.writeValueAsString(
                Map.of(
                    "prompt_input_ids", pair.get("prompt"),
                    "chosen_input_ids", pair.get("chosen"),
                    "rejected_input_ids", pair.get("rejected"))));
      }
    }
    Path data = Files.write(folderOf(trajectory).resolve("pairs.jsonl"), rows);
    int batch = expected.get("batches").get(0).size();
    String adapter =
        isOfAdapter(expected)
            ? "reference_model: base\nadapter: {path: %s}\n".formatted(model.resolve("adapter"))
            : "";
    JsonNode optimizer = expected.get("optimizer");
    return """
        model: %s
        output: %s
        data: {train: [{path: %s, format: json}], shuffle: false}
        objective: {name: dpo, loss_type: sigmoid, beta: %s}
        train: {max_steps: %d, global_batch_size: %d, micro_batch_size: 1, learning_rate: %s,
                lr_scheduler_type: constant, adam_beta1: %s, adam_beta2: %s, adam_epsilon: %s,
                weight_decay: %s, max_grad_norm: %s}
        cluster: {workers: 2, threads: 1}
        %s"""
        .formatted(
            model,
            folderOf(trajectory).resolve("out"),
            data,
            expected.at("/loss/beta").asText(),
            expected.get("steps").size(),
            batch,
            optimizer.get("lr").asText(),
            optimizer.at("/betas/0").asText(),
            optimizer.at("/betas/1").asText(),
            optimizer.get("eps").asText(),
            optimizer.get("weight_decay").elements().next().asText(),
            optimizer.get("max_grad_norm").asText(),
            adapter);
  }
}

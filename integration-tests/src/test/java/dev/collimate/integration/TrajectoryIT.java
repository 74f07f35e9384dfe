package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Twenty steps of other people's trainer, by {@code collimate train} on two executors. */
@Tag("fixtures")
class TrajectoryIT {

  private static final double LOSS = 1e-4;
  private static final double GRADIENT_NORM = 1e-3;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"llama-gqa,trajectory", "llama-gqa,trajectory_adapter", "qwen2-tied,trajectory"})
  void twentyStepsOnTwoExecutors(String model, String trajectory) throws IOException {
    String fixtures = System.getProperty("collimate.fixtures", System.getenv("COLLIMATE_FIXTURES"));
    assumeTrue(
        fixtures != null && Files.isDirectory(Path.of(fixtures, "models", model)),
        "no fixtures: set COLLIMATE_FIXTURES to their folder");
    Path source = Path.of(fixtures, "models", model).toAbsolutePath();
    JsonNode expected = JSON.readTree(source.resolve(trajectory + ".json").toFile());
    Path run = folder.resolve("run.yaml");
    Files.writeString(run, runFile(source, trajectory, expected));

    Finished finished =
        Launcher.ofBuild()
            .withSparkOptions("--master", "local-cluster[2,1,1536]")
            .run("train", run.toString());

    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    List<String> lines = Files.readAllLines(folder.resolve("out/metrics.jsonl"));
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
  }

  private String runFile(Path model, String trajectory, JsonNode expected) throws IOException {
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
    Path data = Files.write(folder.resolve("pairs.jsonl"), rows);
    int batch = expected.get("batches").get(0).size();
    String adapter =
        trajectory.endsWith("adapter")
            ? "reference_model: base\nadapter: {path: %s}\n".formatted(model.resolve("adapter"))
            : "";
    JsonNode optimizer = expected.get("optimizer");
    return """
        model: %s
        output: %s
        data: {train: [{path: %s, format: json}], shuffle: false}
        objective: {name: dpo, loss_type: sigmoid, beta: %s}
        train: {max_steps: %d, global_batch_size: %d, micro_batch_size: 1, learning_rate: %s,
                lr_scheduler_type: constant, weight_decay: 0.01, max_grad_norm: 1.0}
        cluster: {workers: 2, threads: 1}
        %s"""
        .formatted(
            model,
            folder.resolve("out"),
            data,
            expected.at("/loss/beta").asText(),
            expected.get("steps").size(),
            batch,
            optimizer.get("lr").asText(),
            adapter);
  }
}

package dev.collimate.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.config.RunConfig;
import dev.collimate.data.ToyModel;
import dev.collimate.report.RunManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/** Runs of the toy model on completions that it writes, 16 a step, of prompts with a number. */
record ToyOnlineRun(Path folder, SparkSession spark) {

  private static final int PROMPTS = 12;

  static ToyOnlineRun in(Path folder, SparkSession spark) throws IOException {
    ToyModel.write(folder.resolve("model"), 1);
    writeRows(folder.resolve("rows.jsonl"), "e");
    writeRows(folder.resolve("vowels.jsonl"), "aeiouy");
    return new ToyOnlineRun(folder, spark);
  }

  private static void writeRows(Path file, String letters) throws IOException {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < PROMPTS; row++) {
      rows.add("{\"prompt\": \"row %d: \", \"letter\": \"%s\"}".formatted(row, letters));
    }
    Files.write(file, rows);
  }

  RunManifest run(String output, String... overrides) throws Exception {
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
            .formatted(folder.resolve("model"), output(output), folder.resolve("rows.jsonl"));
    RunConfig config = RunConfig.read(yaml, "run.yaml", List.of(overrides));
    return new Pipeline(spark, config, RunProgress.SILENT).run(Pipeline.Stage.REPORT);
  }

  Path output(String name) {
    return folder.resolve(name);
  }

  /** The lines of training. */
  List<JsonNode> metrics(String output) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(output(output).resolve("metrics.jsonl"))) {
      JsonNode one = new ObjectMapper().readTree(line);
      if (one.has("loss")) {
        lines.add(one);
      }
    }
    return lines;
  }

  /** The journal's lines of a step, a completion each. */
  List<JsonNode> journal(String output, int step) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    Path file = output(output).resolve("rollouts/rewards/step-" + step + ".jsonl");
    for (String line : Files.readAllLines(file)) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines.subList(1, lines.size() - 1);
  }

  /** Copies a run as it would be had its driver died before it wrote this checkpoint. */
  void copyStopped(String from, String to, String checkpoint) throws IOException {
    Path source = output(from);
    Path never = Path.of("checkpoints", checkpoint);
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : files.toList()) {
        Path name = source.relativize(file);
        if (!name.startsWith("model") && !name.startsWith(never)) {
          Files.copy(file, output(to).resolve(name));
        }
      }
    }
  }
}

package dev.collimate.integration;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.checkpoint.ModelInit;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.text.ByteLevelTokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A model, preferences and run files small enough to train in seconds on real clusters. */
final class TinyRun {

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 259, "hidden_size": 64,
       "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
       "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
       "tie_word_embeddings": false, "torch_dtype": "float32", "bos_token_id": 1, "eos_token_id": 2,
       "pad_token_id": 0, "initializer_range": 0.02}
      """;

  private final Path folder;
  private final String rows;
  private final String objective;

  private TinyRun(Path folder, String rows, String objective) {
    this.folder = folder;
    this.rows = rows;
    this.objective = objective;
  }

  /** The same with DPO. */
  static TinyRun in(Path folder, int rows) throws IOException {
    return in(folder, rows, "{name: dpo, beta: 0.1}");
  }

  /**
   * Writes the model and {@code rows} preferences between texts of unequal lengths.
   *
   * @param objective section of the run files
   */
  static TinyRun in(Path folder, int rows, String objective) throws IOException {
    Path tokenizer = Files.createDirectories(folder.resolve("tokenizer"));
    ByteLevelTokenizer.write(new LocalFolderSink(tokenizer));
    writeModel(folder, "model", CONFIG);
    SplittableRandom random = new SplittableRandom(11);
    List<String> lines = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      lines.add(
          JSON.writeValueAsString(
              new TreeMap<>(
                  java.util.Map.of(
                      "prompt", word(random, 3, 20) + " ",
                      "chosen", "a" + word(random, 2, 30),
                      "rejected", "b" + word(random, 2, 30)))));
    }
    Files.write(folder.resolve("pairs.jsonl"), lines);
    return new TinyRun(folder, "pairs.jsonl", objective);
  }

  private static Path writeModel(Path folder, String name, String config) throws IOException {
    Path model = Files.createDirectories(folder.resolve(name));
    ModelInit.write(
        config.getBytes(StandardCharsets.UTF_8),
        "the test's config.json",
        LocalFolder.existing(folder.resolve("tokenizer")),
        new LocalFolderSink(model),
        7);
    return model;
  }

  /** Writes a model of the same size that gives a score, beside the other. */
  Path rewardModel() throws IOException {
    String config =
        CONFIG.replace(
            "LlamaForCausalLM\"]", "LlamaForSequenceClassification\"], \"num_labels\": 1");
    return writeModel(folder, "reward-model", config);
  }

  /**
   * Runs of the same model.
   *
   * @param otherRows a file in the same folder
   */
  TinyRun with(String otherRows, String otherObjective) {
    return new TinyRun(folder, otherRows, otherObjective);
  }

  private static String word(SplittableRandom random, int min, int max) {
    StringBuilder word = new StringBuilder();
    for (int length = random.nextInt(min, max); length > 0; length--) {
      word.append((char) ('a' + random.nextInt(26)));
    }
    return word.toString();
  }

  Path path(String name) {
    return folder.resolve(name);
  }

  /** A run file; {@code more} is appended to it. */
  String runFile(String name, String more) throws IOException {
    Path file = folder.resolve(name + ".yaml");
    Files.writeString(
        file,
        """
        model: %s
        output: %s
        data:
          train: [{path: %s, format: json}]
        objective: %s
        %s
        """
            .formatted(
                folder.resolve("model"), output(name), folder.resolve(rows), objective, more));
    return file.toString();
  }

  Path output(String name) {
    return folder.resolve("runs").resolve(name);
  }

  JsonNode manifest(String name) throws IOException {
    return JSON.readTree(output(name).resolve("manifest.json").toFile());
  }

  List<JsonNode> metrics(String name) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(output(name).resolve("metrics.jsonl"))) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  /** What a checkpoint says of the progress, such as {@code objectiveState}. */
  JsonNode progress(String name, long step) throws IOException {
    Path index = output(name).resolve("checkpoints/step-" + step + "/checkpoint.json");
    return JSON.readTree(index.toFile()).get("progress");
  }

  /** Copies a run as it would be had it been stopped after a step, before the next checkpoint. */
  void copyStopped(String from, String to, long step) throws IOException {
    Path source = output(from);
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : files.filter(file -> isThereAfter(step, source.relativize(file))).toList()) {
        Files.copy(file, output(to).resolve(source.relativize(file)));
      }
    }
  }

  private static boolean isThereAfter(long step, Path file) {
    Path checkpoints = Path.of("checkpoints");
    return !file.startsWith("model")
        && (!file.startsWith(checkpoints)
            || file.equals(checkpoints)
            || file.startsWith(checkpoints.resolve("step-" + step)));
  }

  /** Micro-batches, or replicas, that a run gave out again because their worker was lost. */
  double releases(String name) throws IOException {
    return sum(name, "releases");
  }

  /** What the steps of a run took, without its start and its end. */
  double stepSeconds(String name) throws IOException {
    return sum(name, "step_seconds");
  }

  private double sum(String name, String metric) throws IOException {
    return metrics(name).stream().mapToDouble(line -> line.get(metric).asDouble()).sum();
  }

  /**
   * A checkpoint's float32 masters and optimizer, with the replicas' moments where there are any.
   */
  byte[] trainingState(String name, long step) throws IOException {
    Path checkpoints = output(name).resolve("checkpoints");
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (String folder : List.of("step-" + step, "replicas/step-" + step)) {
      for (Path vector : vectors(checkpoints.resolve(folder))) {
        all.write(Files.readAllBytes(vector));
      }
    }
    return all.toByteArray();
  }

  private static List<Path> vectors(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".f32")).sorted().toList();
    }
  }
}

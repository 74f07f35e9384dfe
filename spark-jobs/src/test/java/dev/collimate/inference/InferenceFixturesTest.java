package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.config.Source;
import dev.collimate.data.LocalSpark;
import dev.collimate.executor.ModelSpec;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** {@code score} and {@code generate} on Spark against numbers that other people's code made. */
@Tag("fixtures")
@ExtendWith(LocalSpark.class)
class InferenceFixturesTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> SUPPORTED =
      Set.of(
          "LlamaForCausalLM",
          "MistralForCausalLM",
          "Qwen2ForCausalLM",
          "Qwen3ForCausalLM",
          "GPT2LMHeadModel");

  /** GPT-2 with positions counted through the padding: no row by itself has such positions. */
  private static final String PADDED_POSITIONS = "left_padding_default_positions";

  /** Of a sum: absolute below 1, relative above. */
  private static final double TOLERANCE = 1e-4;

  @TempDir Path folder;
  private SparkSession spark;

  @BeforeEach
  void start(SparkSession session) {
    spark = session;
  }

  @TestFactory
  Stream<DynamicTest> scoresOfPairsAreThoseOfTheReferenceImplementation() throws IOException {
    return eachModel(
        "pairs",
        model -> () -> comparePairs(model, "expected.json", "policy", model, Optional.empty()));
  }

  @TestFactory
  Stream<DynamicTest> scoresUnderTheReferenceAreThoseOfTheReferenceImplementation()
      throws IOException {
    return eachModel(
        "reference models",
        model ->
            () ->
                comparePairs(
                    model,
                    "expected.json",
                    "reference",
                    model.resolve("reference"),
                    Optional.empty()));
  }

  @TestFactory
  Stream<DynamicTest> scoresOfResponsesAreThoseOfTheReferenceImplementation() throws IOException {
    return eachModel("responses", model -> () -> compareResponses(model));
  }

  @TestFactory
  Stream<DynamicTest> greedyCompletionsAreThoseOfTheReferenceImplementation() throws IOException {
    return eachModel("greedy", model -> () -> compareGreedy(model));
  }

  @TestFactory
  Stream<DynamicTest> scoresWithAnAdapterAreThoseOfTheReferenceImplementation() throws IOException {
    return eachModelWith(
        "expected_adapter.json",
        "adapters",
        model ->
            () ->
                comparePairs(
                    model,
                    "expected_adapter.json",
                    "policy",
                    model,
                    Optional.of(model.resolve("adapter"))));
  }

  private void comparePairs(
      Path fixture, String expectedFile, String who, Path model, Optional<Path> adapter)
      throws IOException {
    JsonNode dpo = json(fixture.resolve(expectedFile)).get("dpo");
    List<ObjectNode> rows = new ArrayList<>();
    for (JsonNode pair : dpo.get("pairs")) {
      ObjectNode row = JSON.createObjectNode();
      List.of("prompt", "chosen", "rejected")
          .forEach(column -> row.set(column + "_input_ids", pair.get(column)));
      rows.add(row);
    }

    List<JsonNode> scored = score(model, adapter, rows);

    for (int row = 0; row < rows.size(); row++) {
      for (String side : List.of("chosen", "rejected")) {
        double expected = dpo.get(who + "_" + side + "_logps").get(row).asDouble();
        assertClose(scored.get(row).get(side + "_logps").asDouble(), expected);
        assertThat(scored.get(row).get(side + "_num_tokens"))
            .isEqualTo(dpo.get("completion_token_counts").get(side).get(row));
      }
    }
  }

  private void compareResponses(Path model) throws IOException {
    for (JsonNode test : json(model.resolve("expected.json")).get("cases")) {
      JsonNode responses = test.get("response_logps");
      if (responses == null || test.get("name").asText().equals(PADDED_POSITIONS)) {
        continue;
      }
      List<ObjectNode> rows = new ArrayList<>();
      for (int row = 0; row < test.get("input_ids").size(); row++) {
        ArrayNode prompt = JSON.createArrayNode();
        ArrayNode completion = JSON.createArrayNode();
        for (int t = 0; t < test.get("input_ids").get(row).size(); t++) {
          if (test.get("attention_mask").get(row).get(t).asInt() == 1) {
            boolean isPrompt = prompt.size() < responses.get("prompt_lengths").get(row).asInt();
            (isPrompt ? prompt : completion).add(test.get("input_ids").get(row).get(t));
          }
        }
        ObjectNode entry = JSON.createObjectNode();
        entry.set("prompt_input_ids", prompt);
        entry.set("completion_input_ids", completion);
        rows.add(entry);
      }

      List<JsonNode> scored = score(model, Optional.empty(), rows);

      for (int row = 0; row < rows.size(); row++) {
        assertClose(
            scored.get(row).get("logps").asDouble(), responses.get("sum").get(row).asDouble());
        assertThat(scored.get(row).get("num_tokens"))
            .isEqualTo(responses.get("token_count").get(row));
      }
    }
  }

  private void compareGreedy(Path model) throws IOException {
    JsonNode generation = json(model.resolve("expected.json")).get("generation");
    Path prompts = folder.resolve("prompts.jsonl");
    List<String> rows = new ArrayList<>();
    generation.get("prompts").forEach(ids -> rows.add("{\"prompt_input_ids\": " + ids + "}"));
    Files.write(prompts, rows);
    Path output = Files.createTempDirectory(folder, "greedy").resolve("out.jsonl");

    Generate.run(
        spark,
        spec(model, Optional.empty()),
        source(prompts),
        output.toString(),
        SamplingParams.greedy(generation.get("max_new_tokens").asInt()).ignoringEos(),
        1);

    List<JsonNode> completed = read(output);
    for (int row = 0; row < rows.size(); row++) {
      assertThat(completed.get(row).get("completion_input_ids"))
          .isEqualTo(generation.get("greedy_ignoring_eos").get(row));
    }
  }

  private List<JsonNode> score(Path model, Optional<Path> adapter, List<ObjectNode> rows)
      throws IOException {
    Path directory = Files.createTempDirectory(folder, "score");
    Path data = directory.resolve("rows.jsonl");
    Files.write(data, rows.stream().map(ObjectNode::toString).toList());
    Path output = directory.resolve("out.jsonl");
    Score.run(spark, spec(model, adapter), source(data), output.toString(), Score.Detail.SUMS);
    return read(output);
  }

  private static void assertClose(double actual, double expected) {
    assertThat(actual).isCloseTo(expected, within(TOLERANCE * Math.max(1, Math.abs(expected))));
  }

  private static ModelSpec spec(Path model, Optional<Path> adapter) {
    return ModelSpec.of(
        "--model",
        model.toString(),
        "--adapter",
        adapter.map(Path::toString),
        Precision.FLOAT32,
        1,
        new Configuration());
  }

  private static Source source(Path file) {
    return new Source(
        Optional.of(file.toString()), Optional.empty(), Optional.empty(), Map.of(), List.of());
  }

  private static List<JsonNode> read(Path output) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(output)) {
      rows.add(JSON.readTree(line));
    }
    return rows;
  }

  private static JsonNode json(Path file) throws IOException {
    return JSON.readTree(Files.readAllBytes(file));
  }

  private interface Check {
    Executable of(Path model);
  }

  private static Stream<DynamicTest> eachModel(String what, Check check) throws IOException {
    return eachModelWith("expected.json", what, check);
  }

  private static Stream<DynamicTest> eachModelWith(String file, String what, Check check)
      throws IOException {
    List<Path> run = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    for (Path model : modelsWith(file)) {
      String architecture =
          json(model.resolve("config.json")).path("architectures").path(0).asText();
      if (SUPPORTED.contains(architecture)) {
        run.add(model);
      } else {
        skipped.add(model.getFileName() + " (" + architecture + ")");
      }
    }
    System.out.printf(
        "fixtures, %s on Spark: %d models run, %d skipped %s%n",
        what, run.size(), skipped.size(), skipped);
    assumeTrue(!run.isEmpty() || file.equals("expected.json"), "skipped: no model has " + file);
    assertThat(run).as("models to run").isNotEmpty();
    return run.stream()
        .map(model -> DynamicTest.dynamicTest(model.getFileName().toString(), check.of(model)));
  }

  private static List<Path> modelsWith(String file) throws IOException {
    String root = System.getProperty("collimate.fixtures", System.getenv("COLLIMATE_FIXTURES"));
    assumeTrue(
        root != null && Files.isDirectory(Path.of(root)),
        "skipped: no fixtures folder; set collimate.fixtures or COLLIMATE_FIXTURES");
    try (Stream<Path> folders = Files.list(Path.of(root, "models"))) {
      return folders.filter(model -> Files.exists(model.resolve(file))).sorted().toList();
    }
  }
}

package dev.collimate;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.files.LocalFolder;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * The folder of expected results that other people's code made: system property {@code
 * collimate.fixtures}, or environment variable {@code COLLIMATE_FIXTURES}.
 */
public final class Fixtures {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static final Set<String> CAUSAL =
      Set.of(
          "LlamaForCausalLM",
          "MistralForCausalLM",
          "Qwen2ForCausalLM",
          "Qwen3ForCausalLM",
          "GPT2LMHeadModel");

  private static final Set<String> CLASSIFIERS =
      Set.of(
          "LlamaForSequenceClassification",
          "MistralForSequenceClassification",
          "Qwen2ForSequenceClassification",
          "Qwen3ForSequenceClassification",
          "GPT2ForSequenceClassification");

  private Fixtures() {}

  /** A path in the folder; the test is skipped, saying so, where there is no such path. */
  public static Path path(String relative) {
    String root = System.getProperty("collimate.fixtures", System.getenv("COLLIMATE_FIXTURES"));
    assumeTrue(
        root != null && Files.isDirectory(Path.of(root)),
        "skipped: no fixtures folder; set collimate.fixtures or COLLIMATE_FIXTURES");
    Path path = Path.of(root).resolve(relative);
    assumeTrue(Files.exists(path), "skipped: no " + path);
    return path;
  }

  public static JsonNode json(String relative) throws IOException {
    return MAPPER.readTree(Files.readAllBytes(path(relative)));
  }

  /** The first architecture that the {@code config.json} of a model folder names. */
  public static String architecture(Path model) {
    try {
      JsonNode config = MAPPER.readTree(Files.readAllBytes(model.resolve("config.json")));
      return config.at("/architectures/0").asText();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a model folder is of an architecture that must hold; any other is skipped by name. */
  public static boolean isSupported(Path model) {
    return isCausal(model) || isClassifier(model);
  }

  /** Whether a model folder is of a causal language model that must hold. */
  public static boolean isCausal(Path model) {
    return CAUSAL.contains(architecture(model));
  }

  /** Whether a model folder is of a sequence classifier that must hold. */
  public static boolean isClassifier(Path model) {
    return CLASSIFIERS.contains(architecture(model));
  }

  public static Tokenizer tokenizer(String name) throws IOException {
    return Tokenizer.load(LocalFolder.existing(path("tokenizers").resolve(name)));
  }

  public static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }

  public static int[][] rows(JsonNode matrix) {
    int[][] rows = new int[matrix.size()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = ints(matrix.get(i));
    }
    return rows;
  }
}

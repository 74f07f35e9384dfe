package dev.collimate.quickstart;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelInit;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Publication;
import dev.collimate.storage.Storage;
import dev.collimate.text.ByteLevelTokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Writes what the quick start begins with: the rows, a tokenizer, and a model of random weights.
 * What is there already stays.
 */
final class Inputs {

  /** Where the rows stand. */
  static final String DIRECTORY = "input";

  static final String PROBLEMS = "problems.jsonl";
  static final String PAIRS = "pairs.jsonl";

  private static final String LAST = "README.md";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path root;
  private final Configuration configuration;

  Inputs(Path root, Configuration configuration) {
    this.root = root;
    this.configuration = configuration;
  }

  /**
   * Writes what is missing.
   *
   * @throws CollimateException (usage) where the rows of another seed are there
   */
  void write(AdditionData data, long seed) throws IOException {
    requireRowsOf(data);
    publish(DIRECTORY, LAST, sink -> rows(sink, data));
    publish("tokenizer", "tokenizer_config.json", Inputs::tokenizer);
    publish("base", "config.json", sink -> model(sink, seed));
  }

  private void requireRowsOf(AdditionData data) throws IOException {
    Path problems = new Path(root, DIRECTORY + "/" + PROBLEMS);
    Storage storage = Storage.of(problems, configuration);
    if (storage.exists(problems) && !Arrays.equals(storage.read(problems), problems(data))) {
      throw CollimateException.usage(
          "--output: '%s' holds a quick start of another --seed; give that one, or choose another directory"
              .formatted(root));
    }
  }

  private static byte[] problems(AdditionData data) throws JsonProcessingException {
    return lines(data.heldOut(), Inputs::question);
  }

  private interface Content {
    void writeTo(Publication sink) throws IOException;
  }

  private void publish(String directory, String last, Content content) throws IOException {
    Path target = new Path(root, directory);
    if (Storage.of(target, configuration).exists(new Path(target, last))) {
      return;
    }
    try (Publication sink = new Publication(target, last, configuration, () -> {})) {
      content.writeTo(sink);
      sink.commit();
    }
  }

  private static void rows(Publication sink, AdditionData data) throws IOException {
    sink.write(
        "demonstrations.jsonl",
        lines(
            data.demonstrations(),
            shown -> row("prompt", shown.problem().prompt(), "completion", shown.answer())));
    sink.write("preferences.jsonl", lines(data.preferences(), Inputs::pair));
    sink.write(
        "chosen.jsonl",
        lines(
            data.preferences(),
            problem -> row("prompt", problem.prompt(), "completion", problem.worked())));
    sink.write("questions.jsonl", lines(data.demonstrations(), shown -> question(shown.problem())));
    sink.write(PROBLEMS, problems(data));
    sink.write(
        PAIRS, lines(data.heldOut().stream().filter(Addition::carries).toList(), Inputs::pair));
    sink.write(LAST, Stage.resource("README.md"));
  }

  private static void tokenizer(Publication sink) throws IOException {
    ByteLevelTokenizer.write(sink);
  }

  private void model(Publication sink, long seed) {
    String tokenizer = new Path(root, "tokenizer").toString();
    ModelInit.write(
        Stage.resource("config.json"),
        "the quick start's config.json",
        HadoopFolder.open("tokenizer", tokenizer, configuration),
        sink,
        seed);
  }

  private static Map<String, String> question(Addition problem) {
    return row("prompt", problem.prompt(), "answer", Integer.toString(problem.sum()));
  }

  private static Map<String, String> pair(Addition problem) {
    return row(
        "prompt", problem.prompt(), "chosen", problem.worked(), "rejected", problem.faulty());
  }

  private static Map<String, String> row(String... namesAndValues) {
    Map<String, String> row = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      row.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return row;
  }

  private static <T> byte[] lines(List<T> things, Function<T, Map<String, String>> asRow)
      throws JsonProcessingException {
    StringBuilder lines = new StringBuilder();
    for (T thing : things) {
      lines.append(JSON.writeValueAsString(asRow.apply(thing))).append('\n');
    }
    return lines.toString().getBytes(UTF_8);
  }
}

package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that only read a model, with paths relative to where a user types them. */
@Tag("lines")
class InferenceIT {

  private static final int ROWS = 6;

  @TempDir private Path folder;

  @BeforeEach
  void makeModelAndRows() throws IOException {
    TinyRun.in(folder, ROWS);
  }

  @Test
  void scoreKeepsTheRowsInOrderAndAddsLogProbs() throws IOException {
    assertDone(
        run("score", "--model", "model", "--data", "pairs.jsonl", "--output", "scores.jsonl"));

    List<JsonNode> pairs = lines("pairs.jsonl");
    List<JsonNode> scores = lines("scores.jsonl");
    assertThat(scores).hasSize(ROWS);
    for (int row = 0; row < ROWS; row++) {
      JsonNode score = scores.get(row);
      assertThat(score.get("prompt")).isEqualTo(pairs.get(row).get("prompt"));
      for (String side : List.of("chosen", "rejected")) {
        assertThat(score.get(side + "_logps").asDouble()).isNegative();
        int bytesAndEos = pairs.get(row).get(side).asText().length() + 1;
        assertThat(score.get(side + "_num_tokens").asInt()).isEqualTo(bytesAndEos);
      }
    }
  }

  @Test
  void generateDrawsTheSameOnAnyNumberOfExecutors() throws IOException {
    assertDone(generate("two.jsonl"));
    assertDone(generate("one.jsonl", "--master", "local[1]"));

    assertThat(lines("two.jsonl"))
        .hasSize(2 * ROWS)
        .allSatisfy(row -> assertThat(row.get("completion_input_ids")).hasSize(5))
        .isEqualTo(lines("one.jsonl"));
  }

  @Test
  void anOutputThatIsThereIsLeftAlone() throws IOException {
    Files.writeString(folder.resolve("scores.jsonl"), "mine\n");

    Finished refused =
        run("score", "--model", "model", "--data", "pairs.jsonl", "--output", "scores.jsonl");

    assertThat(refused.exitCode()).as(refused.transcript()).isEqualTo(2);
    assertThat(refused.err())
        .filteredOn(line -> line.startsWith("collimate: "))
        .singleElement()
        .asString()
        .contains("scores.jsonl");
    assertThat(folder.resolve("scores.jsonl")).hasContent("mine");
  }

  private Finished generate(String output, String... sparkOptions) {
    return Launcher.ofBuild()
        .withSparkOptions(sparkOptions)
        .in(folder)
        .run(
            "generate",
            "--model=model",
            "--prompts=pairs.jsonl",
            "--output=" + output,
            "--max_new_tokens=5",
            "--num_return_sequences=2",
            "--seed=3",
            "--ignore_eos");
  }

  private Finished run(String... command) {
    return Launcher.ofBuild().in(folder).run(command);
  }

  private static void assertDone(Finished finished) {
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  private List<JsonNode> lines(String name) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve(name))) {
      lines.add(json.readTree(line));
    }
    return lines;
  }
}

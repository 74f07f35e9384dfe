package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user gets wrong ends in one clear line, the stated exit code, and nothing half-written.
 */
class BadInputIT {

  private static final int USAGE = 2;
  private static final int DATA = 3;
  private static final String TRAIN =
      "train: {max_steps: 2, global_batch_size: 4, micro_batch_size: 2}\ncluster: {workers: 1}\n";

  @TempDir private Path folder;
  private TinyRun tiny;

  @BeforeEach
  void writeAModelAndPairs() throws IOException {
    tiny = TinyRun.in(folder, 8);
  }

  @Test
  void unknownKeyIsNamedWithTheNearest() throws IOException {
    String runFile = tiny.runFile("run", TRAIN + "objectiv: 1\n");
    assertRefused(run(runFile), USAGE, "objectiv", "objective");
  }

  @Test
  void missingFileIsNamed() throws IOException {
    Files.delete(tiny.path("pairs.jsonl"));
    assertRefused(run(tiny.runFile("run", TRAIN)), USAGE, "data.train", "pairs.jsonl");
  }

  @Test
  void emptyDataSetIsRefused() throws IOException {
    Files.writeString(tiny.path("pairs.jsonl"), "");
    assertRefused(run(tiny.runFile("run", TRAIN)), DATA, "pairs.jsonl");
  }

  @Test
  void halfBadRowsAreRefusedWithExamples() throws IOException {
    List<String> lines = new ArrayList<>(Files.readAllLines(tiny.path("pairs.jsonl")));
    for (int i = 0; i < lines.size(); i += 2) {
      lines.set(i, "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": 5}");
    }
    Files.write(tiny.path("pairs.jsonl"), lines);
    assertRefused(run(tiny.runFile("run", TRAIN)), DATA, "max_bad_rows", "wrong_type");
  }

  @Test
  void truncatedWeightsAreNamed() throws IOException {
    Path weights = tiny.path("model/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    Finished finished = run(tiny.runFile("run", TRAIN));
    assertRefused(finished, DATA, "model.safetensors");
    assertThat(finished.err()).hasSize(1);
  }

  @Test
  void textWithoutTokenizerIsRefused() throws IOException {
    Files.delete(tiny.path("model/tokenizer.json"));
    assertRefused(run(tiny.runFile("run", TRAIN)), DATA, "tokenizer.json");
  }

  @Test
  void anOutputThatHoldsAnotherRunIsLeftAlone() throws IOException {
    String runFile = tiny.runFile("run", TRAIN);
    Finished first = run(runFile);
    assertThat(first.exitCode()).as(first.transcript()).isZero();
    byte[] result = Files.readAllBytes(tiny.output("run").resolve("model/model.safetensors"));

    Finished second =
        Launcher.ofBuild()
            .withSparkOptions("--master", "local[1]")
            .run("train", runFile, "--set", "train.learning_rate=0.5");

    assertThat(second.exitCode()).as(second.transcript()).isEqualTo(USAGE);
    assertThat(complaints(second)).singleElement().asString().contains("train.learning_rate");
    assertThat(tiny.output("run").resolve("model/model.safetensors")).hasBinaryContent(result);
  }

  private static Finished run(String runFile) {
    return Launcher.ofBuild().withSparkOptions("--master", "local[1]").run("train", runFile);
  }

  private void assertRefused(Finished finished, int exitCode, String... parts) {
    assertThat(finished.exitCode()).as(finished.transcript()).isEqualTo(exitCode);
    assertThat(complaints(finished)).singleElement().asString().contains(parts);
    assertThat(finished.err()).noneMatch(line -> line.startsWith("\tat "));
    assertThat(tiny.output("run").resolve("data")).doesNotExist();
    assertThat(tiny.output("run").resolve("model")).doesNotExist();
  }

  private static List<String> complaints(Finished finished) {
    return finished.err().stream().filter(line -> line.startsWith("collimate: ")).toList();
  }
}

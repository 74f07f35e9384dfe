package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rewards of the user's own, in a jar of their own: one with options, and one that is a class. */
@Tag("lines")
class OwnRewardIT {

  private static final String JAR = Launcher.jarOf("own-objective").toString();

  private static final String RUN =
      """
      rollout: {batch_size: 2, max_completion_length: 8}
      rewards:
        - {name: word_share, column: wanted}
        - {name: org.example.reward.Length, label: length, weight: 0.1}
      train: {max_steps: 2, global_batch_size: 16, micro_batch_size: 4, learning_rate: 1.0e-3}
      """;

  @TempDir private Path folder;

  @Test
  void areNamedInTheRunFileAndScoreWhatIsWritten() throws IOException {
    TinyRun model = TinyRun.in(folder, 1);
    List<String> rows =
        IntStream.range(0, 16)
            .mapToObj(row -> "{\"prompt\": \"say %d \", \"wanted\": \"a b\"}".formatted(row))
            .toList();
    Files.write(folder.resolve("prompts.jsonl"), rows);
    TinyRun tiny = model.with("prompts.jsonl", "{name: grpo, num_generations: 4}");
    String runFile = tiny.runFile("own", RUN);

    Finished unknown = Launcher.ofBuild().run("train", runFile);
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).anyMatch(line -> line.contains("got 'word_share'"));

    Finished finished = Launcher.ofBuild().withSparkOptions("--jars", JAR).run("train", runFile);
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    for (JsonNode step : tiny.metrics("own")) {
      assertThat(step.get("rewards/word_share/mean").asDouble()).isBetween(0.0, 1.0);
      assertThat(step.get("rewards/length/mean").asDouble()).isBetween(1.0, 8.0);
    }
    List<String> journal =
        Files.readAllLines(tiny.output("own").resolve("rollouts/rewards/step-1.jsonl"));
    assertThat(journal).hasSize(1 + 16 + 1);
    assertThat(journal.get(0))
        .isEqualTo("{\"step\":1,\"rewards\":[\"word_share\",\"length\"],\"rows\":16}");
  }
}

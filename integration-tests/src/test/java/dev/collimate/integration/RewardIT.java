package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A reward model does not depend on the executors that train it, and scores rows. */
class RewardIT {

  @TempDir private Path folder;

  @Test
  void oneAndTwoExecutorsTrainTheSameRewardModel() throws IOException {
    TinyRun tiny = TinyRun.in(folder, 24);

    train(tiny, "one", 1);
    train(tiny, "two", 2);

    assertThat(tiny.output("two").resolve("model/model.safetensors"))
        .hasSameBinaryContentAs(tiny.output("one").resolve("model/model.safetensors"));
    JsonNode config =
        new ObjectMapper().readTree(tiny.output("one").resolve("model/config.json").toFile());
    assertThat(config.at("/architectures/0").asText()).isEqualTo("LlamaForSequenceClassification");
    assertScored(tiny);
  }

  private static void train(TinyRun tiny, String name, int workers) throws IOException {
    String more =
        """
        train: {max_steps: 12, global_batch_size: 4, micro_batch_size: 2, learning_rate: 1.0e-2}
        cluster: {workers: %d, threads: 1}
        """
            .formatted(workers);
    Finished finished =
        Launcher.ofBuild()
            .withSparkOptions("--master", "local-cluster[" + workers + ",1,1536]")
            .run("run", tiny.runFile(name, more), "--set", "objective={name: reward}");
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  private void assertScored(TinyRun tiny) throws IOException {
    Path scores = folder.resolve("scores.jsonl");
    Finished finished =
        Launcher.ofBuild()
            .run(
                "score",
                "--reward",
                "--model=" + tiny.output("one").resolve("model"),
                "--data=" + tiny.path("pairs.jsonl"),
                "--output=" + scores);
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    List<String> lines = Files.readAllLines(scores);
    assertThat(lines).hasSize(24);
    int right = 0;
    for (String line : lines) {
      JsonNode row = new ObjectMapper().readTree(line);
      right += row.get("chosen_reward").asDouble() > row.get("rejected_reward").asDouble() ? 1 : 0;
    }
    assertThat(right).isGreaterThan(18);
  }
}

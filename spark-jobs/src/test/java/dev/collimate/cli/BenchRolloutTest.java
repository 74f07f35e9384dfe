package dev.collimate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.data.ToyModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchRolloutTest {

  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int bench(String... more) throws IOException {
    String[] arguments = new String[more.length + 4];
    arguments[0] = "bench";
    arguments[1] = "rollout";
    arguments[2] = "--model";
    arguments[3] = folder.resolve("model").toString();
    System.arraycopy(more, 0, arguments, 4, more.length);
    return Collimate.commandLine(new PrintWriter(out), new PrintWriter(err)).execute(arguments);
  }

  @Test
  void everyBatchAndLengthStandsBesideItsFloors() throws IOException {
    ToyModel.write(folder.resolve("model"), 1);

    assertThat(
            bench(
                "--batch=1,3", "--prompt=5", "--completion=4", "--samples=2", "--runs=2", "--json"))
        .as(err.toString())
        .isZero();

    JsonNode report = new ObjectMapper().readTree(out.toString());
    assertThat(report.get("batches")).hasSize(2);
    assertThat(report.get("lengths")).hasSize(3);
    JsonNode batch = report.get("batches").get(1);
    assertThat(batch.get("completions").asInt()).isEqualTo(3);
    assertThat(batch.get("quartile_1").asDouble())
        .isBetween(0.0, batch.get("tokens_per_second").asDouble());
    assertThat(batch.get("memory_floor_milliseconds").asDouble()).isPositive();
    assertThat(batch.get("matmul_floor_milliseconds").asDouble()).isPositive();
    assertThat(report.get("lengths").get(2).get("tokens_each").asInt()).isEqualTo(16);
    assertThat(report.get("prompt_once_for_2_samples").get("completions").asInt()).isEqualTo(2);
    assertThat(report.get("prompts_each_over_once").asDouble()).isPositive();
  }

  @Test
  void aWrongNumberIsRefusedByTheOptionsName() throws IOException {
    assertThat(bench("--batch=4,0")).isEqualTo(2);
    assertThat(err.toString()).contains("--batch must be >= 1, got 0");
    assertThat(bench("--completion=1")).isEqualTo(2);
    assertThat(err.toString()).contains("--completion must be >= 2, got 1");
  }
}

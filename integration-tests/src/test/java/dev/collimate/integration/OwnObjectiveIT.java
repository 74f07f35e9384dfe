package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An objective of the user's own, in a jar of their own. */
@Tag("lines")
class OwnObjectiveIT {

  private static final String JAR = Launcher.jarOf("own-objective").toString();

  @TempDir private Path folder;

  @Test
  void isNamedInTheRunFileAndTrainsOnTwoExecutors() throws IOException {
    TinyRun tiny = TinyRun.in(folder, 32, "{name: focal_dpo, gamma: 1.5}");
    String runFile =
        tiny.runFile(
            "focal",
            "train: {max_steps: 4, global_batch_size: 16, micro_batch_size: 4, learning_rate: 1.0e-3}\n");

    Finished unknown = Launcher.ofBuild().run("train", runFile);
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).anyMatch(line -> line.contains("got 'focal_dpo'"));

    Finished finished = Launcher.ofBuild().withSparkOptions("--jars", JAR).run("train", runFile);
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    List<JsonNode> steps = tiny.metrics("focal");
    // At a margin of 0 the loss is ln 2 / 2^gamma.
    assertThat(steps.get(0).get("loss").asDouble())
        .isCloseTo(Math.log(2) / Math.pow(2, 1.5), withinPercentage(0.01));
    assertThat(steps.get(3).get("rewards/margins").asDouble()).isPositive();
  }
}

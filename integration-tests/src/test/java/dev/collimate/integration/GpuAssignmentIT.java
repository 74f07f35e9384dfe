package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which device the executors of a cluster get, with a discovery script that invents GPUs. */
class GpuAssignmentIT {

  /** A number of this process, so that other tests on the machine do not meet its locks. */
  private static final long ADDRESS = ProcessHandle.current().pid() % 10_000;

  @TempDir private Path folder;

  @BeforeEach
  void makeModelAndRows() throws IOException {
    TinyRun.in(folder, 2);
  }

  @Test
  void twoExecutorsOnOneGpuAreRefusedBeforeWorkBegins() throws IOException {
    Path script = folder.resolve("discover.sh");
    Files.writeString(
        script,
        "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"%d\"]}'\n".formatted(ADDRESS));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));

    Finished refused =
        score(
            "gpu",
            "--conf",
            "spark.worker.resource.gpu.amount=1",
            "--conf",
            "spark.worker.resource.gpu.discoveryScript=" + script,
            "--conf",
            "spark.executor.resource.gpu.amount=1",
            "--conf",
            "spark.task.resource.gpu.amount=1");

    assertThat(refusal(refused))
        .contains("cluster.device: executor ")
        .contains("gpu:" + ADDRESS)
        .contains("is in use by executor ")
        .contains("let the discovery script give every executor another GPU");
  }

  @Test
  void aGpuThatSparkDoesNotAssignIsMissedBeforeWorkBegins() {
    assertThat(refusal(score("gpu")))
        .contains("Spark assigned no GPU to the task; set spark.executor.resource.gpu.amount");
  }

  @Test
  void autoTakesTheCpuWhereSparkAssignsNoGpu() {
    Finished finished = score("auto");
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    assertThat(folder.resolve("scores.jsonl")).isRegularFile();
  }

  private Finished score(String device, String... options) {
    return Launcher.ofBuild()
        .withSparkOptions("--master", "local-cluster[2,1,2048]")
        .withSparkOptions(options)
        .in(folder)
        .run(
            "score",
            "--model=model",
            "--data=pairs.jsonl",
            "--output=scores.jsonl",
            "--device=" + device);
  }

  private String refusal(Finished finished) {
    assertThat(finished.exitCode()).as(finished.transcript()).isEqualTo(1);
    assertThat(folder.resolve("scores.jsonl")).doesNotExist();
    List<String> said =
        finished.err().stream().filter(line -> line.startsWith("collimate: ")).toList();
    assertThat(said).as(finished.transcript()).hasSize(1);
    return said.get(0);
  }
}

package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExitCodeTest {

  /** As standalone, YARN and Kubernetes say it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Command exited with code 137",
        "Container marked as failed: container_1 on host: a. Exit status: 137. Diagnostics: Killed",
        "Container killed on request. Exit code is 137",
        "The executor with id 1 exited with exit code 137(SIGKILL, possible container OOM).",
        "exitCode=137"
      })
  void aKilledExecutorsMemoryIsSuspected(String reason) {
    assertThat(ExitCode.explain(reason))
        .isEqualTo(
            reason
                + " (137: killed from outside, most often for its memory; raise"
                + " spark.executor.memoryOverhead)");
  }

  @Test
  void anAbortOfNativeCodeIsNamed() {
    assertThat(ExitCode.explain("Command exited with code 134"))
        .endsWith(" (134: native code aborted; see the executor's stderr)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Remote RPC client disassociated", "Command exited with code 1", "137"})
  void anythingElseStaysAsItIs(String reason) {
    assertThat(ExitCode.explain(reason)).isEqualTo(reason);
  }
}

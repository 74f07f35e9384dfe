package dev.collimate.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.aggregate.WorkerPlace;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdmissionTest {

  private static final WorkerPlace WORKER = new WorkerPlace("3", "node-3", 17);

  private final Admission admission =
      new Admission("probe", "model", Map.of("threads", "1"), /* exact= */ true, false);

  @Test
  void aWorkerThatComputesTheSameBitsIsWelcome() {
    assertThat(admission.refuse(WORKER, description("1"))).isEmpty();
  }

  @Test
  void aWorkerOfAnotherThreadCountIsRefusedByName() {
    assertThat(admission.refuse(WORKER, description("2")))
        .hasValueSatisfying(
            sentence ->
                assertThat(sentence)
                    .startsWith("executor 3 on node-3 (pid 17) computes with other numerics")
                    .contains("threads"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[1]",
        "\u0001rubbish",
        "{}",
        "{\"numerics\":null,\"probe\":\"probe\",\"modelFingerprint\":\"model\"}",
        "{\"numerics\":{\"threads\":null},\"probe\":\"probe\",\"modelFingerprint\":\"model\"}",
        "{\"numerics\":{},\"probe\":null,\"modelFingerprint\":\"model\"}",
        "{\"numerics\":{},\"probe\":\"probe\",\"modelFingerprint\":null}",
        "{\"numerics\":{},\"probe\":\"probe\",\"modelFingerprint\":\"model\",\"device\":\"cpu\"}"
      })
  void aDescriptionThatCannotBeReadRefusesItsWorker(String description) {
    assertThat(admission.refuse(WORKER, description.getBytes(UTF_8)))
        .contains(
            "executor 3 on node-3 (pid 17) describes itself in a way this driver cannot read;"
                + " give driver and executors the same Collimate jar");
  }

  private static byte[] description(String threads) {
    return new Admission.Description(Map.of("threads", threads), "probe", "model").toBytes();
  }
}

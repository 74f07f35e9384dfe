package dev.collimate.integration;

import static java.util.concurrent.TimeUnit.MINUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Local steps depend on the replicas in the run file, never on the executors that compute them. */
class LocalStepsIT {

  private static final int STEPS = 12;

  /**
   * Three replicas on two executors, so that one of them computes two; the last window is short.
   */
  private static final String TRAIN =
      """
      train: {max_steps: 12, global_batch_size: 12, micro_batch_size: 2, learning_rate: 1.0e-3, save_steps: 5,
              sync_every: 5, replicas: 3}
      cluster: {workers: 2, threads: 1}
      """;

  @TempDir private static Path folder;
  private static TinyRun tiny;
  private static byte[] undisturbed;

  @BeforeAll
  static void trainUndisturbed() throws IOException {
    tiny = TinyRun.in(folder, 96);
    train(2, "undisturbed", TRAIN);
    undisturbed = tiny.trainingState("undisturbed", STEPS);
  }

  @Test
  void aCheckpointHoldsTheOuterMomentumAndEveryReplicasMoments() throws IOException {
    Path checkpoints = tiny.output("undisturbed").resolve("checkpoints");
    long vector = Files.size(checkpoints.resolve("step-12/masters.f32"));
    assertThat(checkpoints.resolve("step-12/outer_momentum.f32")).hasSize(vector);
    assertThat(checkpoints.resolve("replicas/step-12/replica-2.f32")).hasSize(2 * vector);
    assertThat(undisturbed).hasSize(Math.toIntExact(2 * vector + 3 * 2 * vector));
    assertThat(tiny.metrics("undisturbed"))
        .hasSize(STEPS)
        .filteredOn(line -> line.has("outer_grad_norm"))
        .extracting(line -> line.get("step").asInt())
        .containsExactly(5, 10, 12);
  }

  @Test
  void oneExecutorGivesTheSameBits() throws IOException {
    train(1, "one", TRAIN.replace("workers: 2", "workers: 1"));
    assertThat(tiny.trainingState("one", STEPS)).isEqualTo(undisturbed);
  }

  @Test
  void aLostReplicaIsComputedAgainFromTheLastSynchronisation() throws IOException {
    try (Launch run = onExecutors(2).start("train", tiny.runFile("executor", TRAIN))) {
      run.awaitErr(Pattern.compile("^step=5 "), Duration.ofMinutes(4));
      // Frozen first, so that the replica that it computes is lost and not handed in.
      ProcessHandle victim = run.executors().get(0);
      Launch.freeze(victim);
      Launch.kill(victim);
      Finished finished = run.await(Launcher.TIMEOUT);
      assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    }
    assertThat(tiny.releases("executor")).as("replicas given out again").isGreaterThanOrEqualTo(1);
    assertThat(tiny.trainingState("executor", STEPS)).isEqualTo(undisturbed);
  }

  @Test
  @Tag("slow")
  void aDriverKilledBetweenSynchronisationsGoesOnToTheSameBits() throws IOException {
    String runFile = tiny.runFile("driver", TRAIN);
    try (Launch first = onExecutors(2).start("train", runFile)) {
      Path checkpoint = tiny.output("driver").resolve("checkpoints/step-5/checkpoint.json");
      await().atMost(4, MINUTES).until(() -> Files.exists(checkpoint) || !first.driver().isAlive());
    }
    assertThat(tiny.output("driver").resolve("model")).doesNotExist();
    Finished second = onExecutors(2).run("train", runFile);
    assertThat(second.exitCode()).as(second.transcript()).isZero();
    assertThat(tiny.manifest("driver").at("/training/resumed_from_step").asLong())
        .isGreaterThanOrEqualTo(5);
    assertThat(tiny.trainingState("driver", STEPS)).isEqualTo(undisturbed);
  }

  @Test
  @Tag("slow")
  void anotherNumberOfReplicasGivesOtherBits() throws IOException {
    train(2, "replicas", TRAIN.replace("replicas: 3", "replicas: 2"));
    assertThat(masters("replicas")).isNotEqualTo(masters("undisturbed"));
  }

  /**
   * One replica, an outer learning rate of 1 and no momentum: the outer step is the replica's way.
   */
  @Test
  @Tag("slow")
  void oneReplicaWithoutOuterMomentumIsTheTrainingOfEveryDay() throws IOException {
    String plain = TRAIN.replaceAll("(?s), save_steps: 5,.*?}", ", save_steps: 5}");
    train(2, "plain", plain);
    train(
        2,
        "single",
        TRAIN.replace("replicas: 3", "replicas: 1, outer_learning_rate: 1.0, outer_momentum: 0.0"));
    float[] expected = masters("plain");
    float[] actual = masters("single");
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      // start - (start - end) is end but for a rounding at each synchronisation.
      assertThat(actual[i]).isCloseTo(expected[i], offset(2e-5f));
    }
    assertThat(tiny.metrics("single").get(4).get("loss").asDouble())
        .as("up to the first synchronisation the steps are the same")
        .isEqualTo(tiny.metrics("plain").get(4).get("loss").asDouble());
  }

  private static float[] masters(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(tiny.output(name).resolve("checkpoints/step-12/masters.f32"));
    float[] values = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private static void train(int executors, String name, String more) throws IOException {
    Finished finished = onExecutors(executors).run("train", tiny.runFile(name, more));
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  private static Launcher onExecutors(int count) {
    return Launcher.ofBuild().withSparkOptions("--master", "local-cluster[" + count + ",1,1536]");
  }
}

package dev.collimate.integration;

import static java.util.concurrent.TimeUnit.MINUTES;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The result depends on data, run file and seed, never on the cluster. */
class ExactnessIT {

  private static final int STEPS = 12;

  /** 8 micro-batches a step. */
  private static final String TRAIN =
      """
      train: {max_steps: 12, global_batch_size: 16, micro_batch_size: 2, learning_rate: 1.0e-3, save_steps: 3}
      cluster: {workers: 2, threads: 1}
      """;

  @TempDir private static Path folder;
  private static TinyRun tiny;
  private static byte[] undisturbed;

  @BeforeAll
  static void trainUndisturbedOnTwoExecutors() throws IOException {
    tiny = TinyRun.in(folder, 96);
    train(2, "two", TRAIN);
    undisturbed = tiny.trainingState("two", STEPS);
  }

  @Test
  void bothExecutorsDidAtLeastAQuarter() throws IOException {
    List<Integer> leaves = new ArrayList<>();
    tiny.manifest("two").at("/training/leaves_by_worker").forEach(n -> leaves.add(n.asInt()));
    assertThat(leaves)
        .hasSize(2)
        .allSatisfy(n -> assertThat(n).isGreaterThanOrEqualTo(STEPS * 8 / 4));
    assertThat(leaves.stream().mapToInt(n -> n).sum()).isEqualTo(STEPS * 8);
  }

  @Test
  void oneExecutorGivesTheSameBits() throws IOException {
    train(1, "one", TRAIN.replace("workers: 2", "workers: 1"));
    assertThat(tiny.trainingState("one", STEPS)).isEqualTo(undisturbed);
  }

  @Test
  @Tag("slow")
  void anotherSeedGivesOtherBits() throws IOException {
    train(2, "seed", TRAIN + "seed: 43\n");
    assertThat(tiny.trainingState("seed", STEPS)).isNotEqualTo(undisturbed);
  }

  @Test
  void aDriverKilledHalfWayGoesOnToTheSameBits() throws IOException {
    String runFile = tiny.runFile("driver", TRAIN);
    Launch first = onExecutors(2).start("train", runFile);
    await().atMost(4, MINUTES).until(() -> isThere("driver", 6) || !first.driver().isAlive());
    first.close();
    assertThat(tiny.output("driver").resolve("model")).doesNotExist();

    Finished second = onExecutors(2).run("train", runFile);
    assertThat(second.exitCode()).as(second.transcript()).isZero();
    JsonNode training = tiny.manifest("driver").get("training");
    assertThat(training.get("resumed_from_step").asLong()).isGreaterThanOrEqualTo(6);
    long resumed = training.get("resumed_from_step").asLong();
    assertThat(second.err())
        .contains("training: step " + (resumed + 1) + " of " + STEPS)
        .noneMatch(line -> line.startsWith("step=" + resumed + " "));
    assertThat(tiny.metrics("driver")).hasSize(STEPS);
    assertThat(tiny.trainingState("driver", STEPS)).isEqualTo(undisturbed);
  }

  @Test
  void anExecutorKilledWithAnOpenLeaseDoesNotTouchABit() throws IOException {
    // Between two steps a worker holds no lease: then the run is done again.
    double releases = 0;
    for (int attempt = 1; releases == 0 && attempt <= 5; attempt++) {
      releases = trainAndKillAnExecutor("executor-" + attempt);
    }
    assertThat(releases).as("the killed executor held a lease").isGreaterThanOrEqualTo(1);
  }

  private static double trainAndKillAnExecutor(String name) throws IOException {
    try (Launch run = onExecutors(2).start("train", tiny.runFile(name, TRAIN))) {
      await().atMost(4, MINUTES).until(() -> isThere(name, 3) || !run.driver().isAlive());
      ProcessHandle victim = run.executors().get(0);
      // A frozen worker cannot give back the lease that it holds, or is given if it waits for one.
      Launch.freeze(victim);
      await().pollDelay(1, SECONDS).until(() -> true);
      Launch.kill(victim);
      Finished finished = run.await(Launcher.TIMEOUT);
      assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    }
    assertThat(tiny.trainingState(name, STEPS)).isEqualTo(undisturbed);
    return tiny.releases(name);
  }

  private static boolean isThere(String run, long step) {
    return Files.exists(tiny.output(run).resolve("checkpoints/step-" + step + "/checkpoint.json"));
  }

  private static void train(int executors, String name, String more) throws IOException {
    Finished finished = onExecutors(executors).run("train", tiny.runFile(name, more));
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  private static Launcher onExecutors(int count) {
    return Launcher.ofBuild().withSparkOptions("--master", "local-cluster[" + count + ",1,1536]");
  }
}

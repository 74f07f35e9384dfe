package dev.collimate.integration;

import static java.util.concurrent.TimeUnit.MINUTES;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What an online objective learns depends on data, run file and seed, never on the cluster: the
 * completions that the policy writes are the same, and so are the weights.
 */
class GrpoIT {

  private static final int STEPS = 8;
  private static final Duration PATIENCE = Duration.ofMinutes(4);

  /** Two optimizer steps a rollout, of 4 units of work and 8 micro-batches each. */
  private static final String TRAIN =
      """
      rollout: {batch_size: 2, max_completion_length: 16, num_iterations: 2}
      rewards: [{name: repetition_penalty, max_penalty: -1.0}, {name: reward_model, model: %s}]
      train: {max_steps: 8, global_batch_size: 32, micro_batch_size: 4, learning_rate: 1.0e-3, save_steps: 2}
      cluster: {workers: %d, threads: 1}
      """;

  private static final String OBJECTIVE = "{name: grpo, num_generations: 4, beta: 0.05}";

  @TempDir private static Path folder;
  private static TinyRun tiny;
  private static Path rewardModel;

  @BeforeAll
  static void trainUndisturbedOnTwoExecutors() throws IOException {
    TinyRun model = TinyRun.in(folder, 1);
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 64; row++) {
      rows.add("{\"prompt\": \"%s \"}".formatted("abcdefgh".substring(row % 7) + row));
    }
    Files.write(folder.resolve("prompts.jsonl"), rows);
    tiny = model.with("prompts.jsonl", OBJECTIVE);
    rewardModel = tiny.rewardModel();
    train(2, "two");
  }

  @Test
  void oneExecutorWritesAndLearnsTheSame() throws IOException {
    train(1, "one");
    assertSame("one");
  }

  @Test
  @Tag("slow")
  void anExecutorMayDieWhileItWritesAndWhileItLearns() throws IOException {
    double releases = 0;
    for (int attempt = 1; releases == 0 && attempt <= 5; attempt++) {
      String name = "executor-" + attempt;
      try (Launch run = onExecutors(2).start("train", runFile(name, 2))) {
        for (int step : new int[] {2, 4}) {
          run.awaitErr(Pattern.compile("^step=" + step + " "), PATIENCE);
          ProcessHandle victim = run.executors().get(0);
          // A frozen worker cannot give back the lease that it holds, or is given.
          Launch.freeze(victim);
          await().pollDelay(1, SECONDS).until(() -> true);
          Launch.kill(victim);
        }
        Finished finished = run.await(Launcher.TIMEOUT);
        assertThat(finished.exitCode()).as(finished.transcript()).isZero();
      }
      assertSame(name);
      releases = tiny.releases(name);
    }
    assertThat(releases).as("a killed executor held a lease").isGreaterThanOrEqualTo(1);
  }

  @Test
  @Tag("slow")
  void aDriverKilledHalfWayGoesOnToTheSame() throws IOException {
    String runFile = runFile("driver", 2);
    Launch first = onExecutors(2).start("train", runFile);
    await().atMost(4, MINUTES).until(() -> isThere("driver", 4) || !first.driver().isAlive());
    first.close();
    assertThat(tiny.output("driver").resolve("model")).doesNotExist();

    Finished second = onExecutors(2).run("train", runFile);
    assertThat(second.exitCode()).as(second.transcript()).isZero();
    assertThat(tiny.manifest("driver").at("/training/resumed_from_step").asLong())
        .isGreaterThanOrEqualTo(4);
    assertThat(tiny.metrics("driver")).hasSize(STEPS);
    assertSame("driver");
  }

  /** Of both, the reference writes the second completion, or has its share in it. */
  @ParameterizedTest
  @ValueSource(strings = {"xpo", "nash_md"})
  @Tag("slow")
  void pairsMadeOnlineAreTheSameOnOneExecutorAndOnTwo(String objective) throws IOException {
    TinyRun pairs = tiny.with("prompts.jsonl", "{name: " + objective + "}");
    for (int executors = 1; executors <= 2; executors++) {
      String name = objective + "-" + executors;
      Finished finished =
          onExecutors(executors)
              .run("train", pairs.runFile(name, TRAIN.formatted(rewardModel, executors)));
      assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    }
    assertSame(objective + "-1", objective + "-2");
  }

  private static void assertSame(String name) throws IOException {
    assertSame(name, "two");
  }

  private static void assertSame(String name, String other) throws IOException {
    assertThat(completions(name)).as("completions of %s", name).isEqualTo(completions(other));
    assertThat(tiny.trainingState(name, STEPS))
        .as("weights of %s", name)
        .isNotEqualTo(tiny.trainingState(name, 2))
        .isEqualTo(tiny.trainingState(other, STEPS));
  }

  /** The journals of rewards, which have the hash of every completion and what it scored. */
  private static List<String> completions(String name) throws IOException {
    List<String> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(tiny.output(name).resolve("rollouts/rewards"))) {
      for (Path file : files.sorted().toList()) {
        all.add(file.getFileName() + "\n" + Files.readString(file));
      }
    }
    assertThat(all).hasSize(STEPS / 2);
    return all;
  }

  private static boolean isThere(String run, long step) {
    return Files.exists(tiny.output(run).resolve("checkpoints/step-" + step + "/checkpoint.json"));
  }

  private static String runFile(String name, int workers) throws IOException {
    return tiny.runFile(name, TRAIN.formatted(rewardModel, workers));
  }

  private static void train(int executors, String name) throws IOException {
    Finished finished = onExecutors(executors).run("train", runFile(name, executors));
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  private static Launcher onExecutors(int count) {
    return Launcher.ofBuild().withSparkOptions("--master", "local-cluster[" + count + ",1,1536]");
  }
}

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
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What an online objective learns, and how its prompts are chosen, depends on data, run file and
 * seed, never on the cluster: the completions that the policy writes are the same, and so are the
 * weights.
 */
class GrpoIT {

  private static final int STEPS = 8;
  private static final Duration PATIENCE = Duration.ofMinutes(4);

  /**
   * Two optimizer steps a rollout, of 4 units of work and 8 micro-batches each. Of 16 bytes that
   * are drawn evenly some are those letters in two completions of three, so that rewards differ.
   */
  private static final String TRAIN =
      """
      rollout: {batch_size: 2, max_completion_length: 16, num_iterations: 2%s}
      rewards: [{name: regex, pattern: '[a-p]'}%s]
      train: {max_steps: 8, global_batch_size: 32, micro_batch_size: 4, learning_rate: 1.0e-3, save_steps: 2}
      cluster: {workers: %d, threads: 1}
      """;

  /** What learns: an objective, how its prompts are chosen, and whether a model rewards it too. */
  enum Method {
    GRPO("{name: grpo, num_generations: 4, beta: 0.05}", "", true),
    PPO("{name: ppo, num_generations: 4}", "", false),
    /** The values are those of a model of its own. */
    PPO_VALUE_FOLDER("{name: ppo, num_generations: 4}", "", false),
    VADE("{name: grpo, num_generations: 4}", ", sampler: vade", false),
    /** The reference writes the second completion. */
    XPO("{name: xpo}", "", true),
    /** The reference has its share in the second completion. */
    NASH_MD("{name: nash_md}", "", true);

    private final String objective;
    private final String rollout;
    private final boolean hasRewardModel;

    Method(String objective, String rollout, boolean hasRewardModel) {
      this.objective = objective;
      this.rollout = rollout;
      this.hasRewardModel = hasRewardModel;
    }

    private String run(String name) {
      return name().toLowerCase(Locale.ROOT) + "-" + name;
    }

    private TinyRun tiny() {
      return model.with("prompts.jsonl", objective);
    }

    private String runFile(String name, int workers) throws IOException {
      String reward =
          hasRewardModel ? ", {name: reward_model, model: %s}".formatted(rewardModel) : "";
      String values = this == PPO_VALUE_FOLDER ? "value_model: %s\n".formatted(rewardModel) : "";
      return tiny().runFile(run(name), values + TRAIN.formatted(rollout, reward, workers));
    }

    private void train(int executors, String name) throws IOException {
      Finished finished = onExecutors(executors).run("train", runFile(name, executors));
      assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    }

    /** The run that nothing happened to, on two executors. */
    private void trainUndisturbed() throws IOException {
      if (!Files.exists(tiny().output(run("two")))) {
        train(2, "two");
      }
    }

    private void assertSame(String name) throws IOException {
      assertThat(completions(name))
          .as("completions of %s", run(name))
          .isEqualTo(completions("two"));
      assertThat(tiny().trainingState(run(name), STEPS))
          .as("weights of %s", run(name))
          .isNotEqualTo(tiny().trainingState(run(name), 2))
          .isEqualTo(tiny().trainingState(run("two"), STEPS));
      assertThat(tiny().progress(run(name), STEPS).get("prompts"))
          .as("what %s knows of the prompts", run(name))
          .isEqualTo(tiny().progress(run("two"), STEPS).get("prompts"));
    }

    /** The journals of rewards, which have the hash of every completion and what it scored. */
    private List<String> completions(String name) throws IOException {
      List<String> all = new ArrayList<>();
      Path journal = tiny().output(run(name)).resolve("rollouts/rewards");
      try (Stream<Path> files = Files.list(journal)) {
        for (Path file : files.sorted().toList()) {
          all.add(file.getFileName() + "\n" + Files.readString(file));
        }
      }
      assertThat(all)
          .hasSize(STEPS / 2)
          .allMatch(page -> page.contains("[0.0") && page.contains("[1.0"));
      return all;
    }

    private boolean isThere(long step) {
      return Files.exists(
          tiny().output(run("driver")).resolve("checkpoints/step-" + step + "/checkpoint.json"));
    }
  }

  @TempDir private static Path folder;
  private static TinyRun model;
  private static Path rewardModel;

  @BeforeAll
  static void writeModelAndPrompts() throws IOException {
    model = TinyRun.in(folder, 1);
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 64; row++) {
      rows.add("{\"prompt\": \"%s \"}".formatted("abcdefgh".substring(row % 7) + row));
    }
    Files.write(folder.resolve("prompts.jsonl"), rows);
    rewardModel = model.rewardModel();
  }

  @Test
  void oneExecutorWritesAndLearnsTheSame() throws IOException {
    assertOneExecutorDoesTheSame(Method.GRPO);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "GRPO")
  @Tag("slow")
  void soItIsOfTheOthers(Method method) throws IOException {
    assertOneExecutorDoesTheSame(method);
  }

  private static void assertOneExecutorDoesTheSame(Method method) throws IOException {
    method.trainUndisturbed();
    method.train(1, "one");
    method.assertSame("one");
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void anExecutorMayDieWhileItWritesAndWhileItLearns(Method method) throws IOException {
    method.trainUndisturbed();
    double releases = 0;
    for (int attempt = 1; releases == 0 && attempt <= 5; attempt++) {
      String name = "executor-" + attempt;
      try (Launch run = onExecutors(2).start("train", method.runFile(name, 2))) {
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
      method.assertSame(name);
      releases = method.tiny().releases(method.run(name));
    }
    assertThat(releases).as("a killed executor held a lease").isGreaterThanOrEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void aDriverKilledHalfWayGoesOnToTheSame(Method method) throws IOException {
    method.trainUndisturbed();
    String runFile = method.runFile("driver", 2);
    String name = method.run("driver");
    Launch first = onExecutors(2).start("train", runFile);
    await().atMost(4, MINUTES).until(() -> method.isThere(4) || !first.driver().isAlive());
    first.close();
    assertThat(method.tiny().output(name).resolve("model")).doesNotExist();

    Finished second = onExecutors(2).run("train", runFile);
    assertThat(second.exitCode()).as(second.transcript()).isZero();
    assertThat(method.tiny().manifest(name).at("/training/resumed_from_step").asLong())
        .isGreaterThanOrEqualTo(4);
    assertThat(method.tiny().metrics(name)).hasSize(STEPS);
    method.assertSame("driver");
  }

  private static Launcher onExecutors(int count) {
    return Launcher.ofBuild().withSparkOptions("--master", "local-cluster[" + count + ",1,1536]");
  }
}

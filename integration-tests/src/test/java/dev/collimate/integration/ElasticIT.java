package dev.collimate.integration;

import static java.util.concurrent.TimeUnit.MINUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever dies, freezes or comes late: the weights are the undisturbed run's, bit for bit. */
class ElasticIT {

  private static final int STEPS = 12;
  private static final Duration PATIENCE = Duration.ofMinutes(4);

  /** What is trained. */
  enum Trained {
    ALL_WEIGHTS(""),
    ADAPTER("adapter: {r: 8, lora_alpha: 16, target_modules: all-linear}\n");

    private final String section;

    Trained(String section) {
      this.section = section;
    }

    String runFile(String name) throws IOException {
      return runFile(name, STEPS);
    }

    String runFile(String name, int steps) throws IOException {
      return tiny.runFile(
          name,
          """
          train: {max_steps: %d, global_batch_size: 16, micro_batch_size: 2, learning_rate: 1.0e-3, save_steps: 3}
          cluster: {workers: 2, threads: 1}
          %s\
          """
              .formatted(steps, section));
    }

    String undisturbed() {
      return "undisturbed-" + this;
    }
  }

  /** When an executor dies, by the line of the driver's log that comes just before. */
  enum Moment {
    BEFORE_IT_TAKES_PART("The aggregator listens on"),
    WHEN_ALL_HAVE_COME("workers now: 2"),
    AFTER_THE_FIRST_STEP("^step=1 "),
    AROUND_A_CHECKPOINT("^step=6 "),
    IN_THE_LAST_STEP("^step=11 ");

    private final Pattern line;

    Moment(String line) {
      this.line = Pattern.compile(line);
    }
  }

  @TempDir private static Path folder;
  private static TinyRun tiny;

  @BeforeAll
  static void trainUndisturbed() throws IOException {
    tiny = TinyRun.in(folder, 96);
    train(Trained.ALL_WEIGHTS, Trained.ALL_WEIGHTS.undisturbed());
  }

  @Test
  void executorsFrozenBeyondTheirDeadlineAreWelcomeWhenTheyWake() throws IOException {
    try (Launch run = start(Trained.ALL_WEIGHTS, "frozen")) {
      run.awaitErr(Moment.AFTER_THE_FIRST_STEP.line, PATIENCE);
      // Both, for one alone would be through before the other is found to be silent.
      List<ProcessHandle> executors = run.executors();
      executors.forEach(Launch::freeze);
      run.awaitErr(Pattern.compile("has been silent"), PATIENCE);
      executors.forEach(Launch::wake);
      run.awaitErr(Pattern.compile("is back"), PATIENCE);
      assertDone(run.await(Launcher.TIMEOUT), Trained.ALL_WEIGHTS, "frozen");
    }
  }

  @Test
  void allExecutorsKilledAtOnceAreReplaced() throws IOException {
    try (Launch run = start(Trained.ALL_WEIGHTS, "all-killed")) {
      run.awaitErr(Moment.AFTER_THE_FIRST_STEP.line, PATIENCE);
      run.executors().forEach(Launch::kill);
      assertDone(run.await(Launcher.TIMEOUT), Trained.ALL_WEIGHTS, "all-killed");
    }
  }

  @Test
  void aDriverKilledWhilePublishingACheckpointGoesOn() throws IOException {
    String runFile = Trained.ALL_WEIGHTS.runFile("publishing");
    boolean inside = false;
    // The folder is written beside its place and then renamed; a busy machine may be too late once.
    for (int step = 3; step < STEPS && !inside; step += 3) {
      String temporary = ".step-" + step + ".";
      try (Launch run = onTwo().start("train", runFile)) {
        await()
            .pollDelay(Duration.ZERO)
            .pollInterval(Duration.ofMillis(1))
            .atMost(4, MINUTES)
            .until(() -> isPublishing("publishing", temporary) || !run.driver().isAlive());
        assertThat(run.driver().isAlive()).as("a driver to kill").isTrue();
        Launch.kill(run.driver());
      }
      Path published = tiny.output("publishing").resolve("checkpoints/step-" + step);
      inside = !Files.exists(published.resolve("checkpoint.json"));
    }
    assertThat(inside).as("a driver was killed while it published a checkpoint").isTrue();
    assertDone(onTwo().run("train", runFile), Trained.ALL_WEIGHTS, "publishing");
  }

  @Test
  @Tag("slow")
  void moreLossesThanSparksTaskMaxFailuresEndNothing() throws IOException {
    try (Launch run =
        onTwo()
            .withSparkOptions("--conf", "spark.task.maxFailures=1")
            .start("train", Trained.ALL_WEIGHTS.runFile("failures"))) {
      for (int step : new int[] {1, 4, 7}) {
        run.awaitErr(Pattern.compile("^step=" + step + " "), PATIENCE);
        Launch.kill(run.executors().get(0));
      }
      assertDone(run.await(Launcher.TIMEOUT), Trained.ALL_WEIGHTS, "failures");
    }
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void anExecutorMayDieAtAnyMoment(Moment moment) throws IOException {
    for (Trained trained : Trained.values()) {
      if (!Files.exists(tiny.output(trained.undisturbed()))) {
        train(trained, trained.undisturbed());
      }
      String name = "killed-" + trained + "-" + moment;
      try (Launch run = start(trained, name)) {
        run.awaitErr(moment.line, PATIENCE);
        await().atMost(4, MINUTES).until(() -> !run.executors().isEmpty());
        Launch.kill(run.executors().get(0));
        assertDone(run.await(Launcher.TIMEOUT), trained, name);
      }
    }
  }

  @Test
  @Tag("slow")
  void anExecutorThatComesLateTakesPart() throws IOException {
    // So long that an executor can be asked for and started before the end.
    int steps = 15 * STEPS;
    String whole = Trained.ALL_WEIGHTS.runFile("on-two-from-the-start", steps);
    Finished undisturbed = onTwo().run("train", whole);
    assertThat(undisturbed.exitCode()).as(undisturbed.transcript()).isZero();
    Launcher growing =
        Launcher.ofBuild()
            .withSparkOptions(
                "--master", "local-cluster[2,1,1536]",
                "--conf", "spark.collimate.startWait=1s",
                "--conf", "spark.dynamicAllocation.enabled=true",
                "--conf", "spark.dynamicAllocation.shuffleTracking.enabled=true",
                "--conf", "spark.dynamicAllocation.initialExecutors=1",
                "--conf", "spark.dynamicAllocation.minExecutors=1",
                "--conf", "spark.dynamicAllocation.schedulerBacklogTimeout=6s");
    try (Launch run = growing.start("train", Trained.ALL_WEIGHTS.runFile("late", steps))) {
      run.awaitErr(Pattern.compile("Starting with 1 of 2 workers"), PATIENCE);
      run.awaitErr(Pattern.compile("workers now: 2"), PATIENCE);
      Finished finished = run.await(Launcher.TIMEOUT);
      assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    }
    assertThat(tiny.trainingState("late", steps))
        .isEqualTo(tiny.trainingState("on-two-from-the-start", steps));
  }

  @Test
  @Tag("slow")
  void ofTwoDriversOnOneOutputOneTrains() throws IOException {
    String runFile = Trained.ALL_WEIGHTS.runFile("shared");
    try (Launch first = onTwo().start("train", runFile)) {
      first.awaitErr(Moment.AFTER_THE_FIRST_STEP.line, PATIENCE);
      Finished second = onTwo().run("train", runFile);
      Finished finished = first.await(Launcher.TIMEOUT);
      assertThat(Stream.of(finished, second).map(Finished::exitCode)).contains(0);
      assertDone(finished, Trained.ALL_WEIGHTS, "shared");
      assertThat(second.err()).noneMatch(line -> line.startsWith("step="));
    }
  }

  private static void assertDone(Finished finished, Trained trained, String name)
      throws IOException {
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    assertThat(tiny.metrics(name)).hasSize(STEPS);
    System.out.printf(
        "%s: steps took %.1f s, undisturbed %.1f s%n",
        name, tiny.stepSeconds(name), tiny.stepSeconds(trained.undisturbed()));
    assertThat(tiny.trainingState(name, STEPS))
        .isEqualTo(tiny.trainingState(trained.undisturbed(), STEPS));
  }

  private static void train(Trained trained, String name) throws IOException {
    Finished finished = onTwo().run("train", trained.runFile(name));
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  private static Launch start(Trained trained, String name) throws IOException {
    return onTwo().start("train", trained.runFile(name));
  }

  private static boolean isPublishing(String name, String temporary) throws IOException {
    try (Stream<Path> entries = Files.list(tiny.output(name).resolve("checkpoints"))) {
      return entries.anyMatch(entry -> entry.getFileName().toString().startsWith(temporary));
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static Launcher onTwo() {
    return Launcher.ofBuild().withSparkOptions("--master", "local-cluster[2,1,1536]");
  }
}

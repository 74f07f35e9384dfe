package dev.collimate.integration;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code deploy/collimate} of this build, with the environment that its processes get.
 *
 * @param script the launcher, or a link to it
 * @param directory where it is started
 * @param environment added to this process's own, from which SPARK_HOME and the like are removed
 * @param sparkOptions spark-submit options, given before the command
 */
record Launcher(
    Path script, Path directory, Map<String, String> environment, List<String> sparkOptions) {

  /** Long enough for a cluster to come up on a busy machine with two cores. */
  static final Duration TIMEOUT = Duration.ofMinutes(10);

  /** Added to it for each run of an application, on a machine that does much else. */
  private static final long A_RUN_SECONDS = 30;

  private static final List<String> FOREIGN =
      List.of("SPARK_HOME", "SPARK_CONF_DIR", "HADOOP_CONF_DIR", "OMP_NUM_THREADS");

  Launcher {
    environment = Map.copyOf(environment);
    sparkOptions = List.copyOf(sparkOptions);
  }

  /** The launcher of this build for the Spark line under test, started at the repository's root. */
  static Launcher ofBuild() {
    return new Launcher(
        root().resolve("deploy/collimate"),
        root(),
        Map.of("COLLIMATE_SPARK_LINE", sparkLine()),
        List.of());
  }

  static Path root() {
    return Path.of(requireNonNull(System.getProperty("collimate.root"), "collimate.root"));
  }

  /** "4.1" or "3.5". */
  static String sparkLine() {
    return requireNonNull(System.getProperty("collimate.spark.line"), "collimate.spark.line");
  }

  Launcher withScript(Path other) {
    return new Launcher(other, directory, environment, sparkOptions);
  }

  Launcher in(Path other) {
    return new Launcher(script, other, environment, sparkOptions);
  }

  Launcher withEnvironment(String name, String value) {
    Map<String, String> more = new HashMap<>(environment);
    more.put(name, value);
    return new Launcher(script, directory, more, sparkOptions);
  }

  Launcher withSparkOptions(String... options) {
    List<String> more = new ArrayList<>(sparkOptions);
    more.addAll(List.of(options));
    return new Launcher(script, directory, environment, more);
  }

  /** Runs a command to its end, at most {@link #TIMEOUT}. */
  Finished run(String... arguments) {
    return run(TIMEOUT, arguments);
  }

  private Finished run(Duration timeout, String... arguments) {
    try (Launch launch = start(arguments)) {
      return launch.await(timeout);
    }
  }

  /** One Spark application of so many executors trains run file after run file. */
  Finished trainAll(int executors, List<String> runFiles) {
    return withSparkOptions(
            "--master",
            "local-cluster[" + executors + ",1,1536]",
            "--class",
            "dev.collimate.integration.many.ManyRuns",
            "--jars",
            jarOf("many-runs") + "," + jarOf("own-objective"))
        .run(TIMEOUT.plusSeconds(A_RUN_SECONDS * runFiles.size()), runFiles.toArray(String[]::new));
  }

  /** The jar of one of the modules beside the tests. */
  static Path jarOf(String module) {
    return root()
        .resolve("integration-tests/%s/target/spark-%s".formatted(module, sparkLine()))
        .resolve(module + "-0.1.0.jar");
  }

  /** Starts a command; closing the launch kills what is still running of it. */
  Launch start(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(script.toString());
    command.addAll(sparkOptions);
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().keySet().removeAll(FOREIGN);
    builder.environment().putAll(environment);
    try {
      return new Launch(command, builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot start " + command, e);
    }
  }
}

package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.quickstart.Comparison;
import dev.collimate.quickstart.Quickstart;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quickstart}: the whole pipeline on a task of minutes, and whether it did its work. */
@Command(
    name = "quickstart",
    mixinStandardHelpOptions = true,
    description = {
      "Trains a tiny model on worked additions with a systematic fault, aligns it by preferences"
          + " against the fault, and compares: SFT, SFT on the chosen answers, DPO.",
      "Ends with exit code 1 where DPO does not beat SFT."
    })
final class QuickstartCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Option(
      names = "--output",
      defaultValue = "quickstart",
      paramLabel = "DIR",
      description = "Directory for everything that is made (default: ${DEFAULT-VALUE}).")
  private String output;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "N",
      description = "Seed of the data and the weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Comparison comparison;
    try (SparkSession session = Sessions.open("collimate quickstart", new SparkConf())) {
      ConsoleProgress progress = ConsoleProgress.on(spec.commandLine().getErr());
      comparison = new Quickstart(session, output, seed, progress).run();
    }
    Map<String, Object> values = comparison.values();
    List<String> lines = new ArrayList<>(comparison.text().lines().toList());
    secondsSinceStart()
        .ifPresent(
            seconds -> {
              values.put("seconds", seconds);
              lines.add(seconds + " seconds from the launcher's start to the end.");
            });
    result.print(values, lines);
    if (!comparison.holds()) {
      throw new CollimateException(
          CollimateException.Kind.INTERNAL,
          "DPO did not beat SFT by as much as the quick start asks for");
    }
    return 0;
  }

  /** The launcher becomes this process, so its start counts in. */
  private static Optional<Long> secondsSinceStart() {
    return ProcessHandle.current()
        .info()
        .startInstant()
        .map(start -> Duration.between(start, Instant.now()).toSeconds());
  }
}

package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.GradientFormat;
import dev.collimate.bench.AggregatorBench;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench aggregator}: what moving and adding the gradients costs. */
@Command(
    name = "aggregator",
    mixinStandardHelpOptions = true,
    description = {
      "Times a step in which computing costs nothing: parameters out, gradients back, summed."
          + " Beside it, in turns: Spark's broadcast and treeReduce, plain memory copies of the same"
          + " bytes, and bare sockets of this machine that move them."
    })
final class BenchAggregatorCommand implements Callable<Integer> {

  @Option(
      names = "--parameters",
      defaultValue = "10000000",
      paramLabel = "N",
      description = "Float32 entries that go out and come back (default: ${DEFAULT-VALUE}).")
  private long parameters;

  @Option(
      names = "--workers",
      defaultValue = "2",
      paramLabel = "W",
      description = "Workers, each an executor of its own (default: ${DEFAULT-VALUE}).")
  private int workers;

  @Option(
      names = "--simulated",
      description = "Many workers in each executor: what the driver bears.")
  private boolean simulated;

  @Option(
      names = "--processes",
      defaultValue = "2",
      paramLabel = "P",
      description = "Executors to spread simulated workers over (default: ${DEFAULT-VALUE}).")
  private int processes;

  @Option(
      names = "--runs",
      defaultValue = "12",
      paramLabel = "N",
      description = "Measured steps of each arm at the least (default: ${DEFAULT-VALUE}).")
  private int runs;

  @Option(
      names = "--warm-up",
      defaultValue = "20",
      paramLabel = "SECONDS",
      description =
          "What each arm runs for before it is measured: after 5 s much is still being compiled"
              + " (default: ${DEFAULT-VALUE}).")
  private double warmUp;

  @Option(
      names = "--wire",
      defaultValue = "float32",
      paramLabel = "FORMAT",
      description = "How gradients travel: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private GradientFormat wire;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    if (simulated && processes < 1) {
      throw CollimateException.usage("--processes must be >= 1, got " + processes);
    }
    AggregatorBench.Options options =
        new AggregatorBench.Options(
            parameters, workers, simulated ? processes : 0, runs, warmUp, wire);
    SparkConf conf = AggregatorBench.settings();
    try (SparkSession session = Sessions.open("collimate bench aggregator", conf)) {
      JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
      result.print(new AggregatorBench(spark, options).run());
    }
    return 0;
  }
}

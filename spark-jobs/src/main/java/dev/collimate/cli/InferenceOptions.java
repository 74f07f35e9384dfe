package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.config.Source;
import dev.collimate.executor.ExecutorDevices;
import dev.collimate.executor.ModelSpec;
import dev.collimate.nn.Precision;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Storage;
import dev.collimate.train.MemoryPlan;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/** Which model a command reads, how it computes, and where the rows go. */
final class InferenceOptions {

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "The model.")
  private String model;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "An adapter on it, in PEFT's layout.")
  private String adapter;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description = "A .jsonl or .parquet file, or a folder; must not exist.")
  private String output;

  @Option(
      names = "--threads",
      defaultValue = "1",
      paramLabel = "N",
      description = "Threads of an executor's computation (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      paramLabel = "DEVICE",
      description =
          "cpu, gpu, or auto: a GPU where Spark assigned one (default: ${DEFAULT-VALUE}).")
  private String device;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "Spark's name of the input's format; by the file's ending where it is absent.")
  private String format;

  /** What a command does with the rows. */
  @FunctionalInterface
  interface Job {
    /** Writes the rows to {@code output} and says how many, and what else there is to say. */
    Map<String, Object> run(SparkSession session, ModelSpec model, Source rows, String output)
        throws IOException;
  }

  /**
   * Runs a job on the cluster and prints where its rows are.
   *
   * @param name of the command
   * @param option that names what it reads
   * @param rows the path of what it reads
   */
  void run(String name, String option, String rows, OutputOptions result, Job job)
      throws IOException {
    if (threads < 1) {
      throw CollimateException.usage("--threads: must be >= 1, got " + threads);
    }
    try (SparkSession session = Sessions.open("collimate " + name, conf())) {
      Configuration configuration = session.sparkContext().hadoopConfiguration();
      // In full: executors have another working directory.
      String target = Storage.absolute("--output", output, configuration);
      Map<String, Object> values = new LinkedHashMap<>();
      values.put("output", target);
      ExecutorDevices.require(
          JavaSparkContext.fromSparkContext(session.sparkContext()),
          device(),
          threads,
          plan().workerGpu());
      values.putAll(
          job.run(
              session,
              model(configuration),
              source(option, rows, Optional.ofNullable(format), configuration),
              target));
      result.print(values);
    }
  }

  /** spark-submit's settings, with the memory that the model takes in an executor. */
  private SparkConf conf() {
    SparkConf conf = new SparkConf();
    plan().applyTo(conf);
    return conf;
  }

  private MemoryPlan plan() {
    Configuration configuration = HadoopFiles.configuration();
    String folder = Storage.absolute("--model", model, configuration);
    try (ModelFolder opened =
        ModelFolder.open(HadoopFolder.open("--model", folder, configuration))) {
      return MemoryPlan.ofInference(opened.config(), opened.layout().parameters().size(), device());
    }
  }

  private Device device() {
    return Arrays.stream(Device.values())
        .filter(known -> known.name().toLowerCase(Locale.ROOT).equals(device))
        .findFirst()
        .orElseThrow(
            () ->
                CollimateException.usage(
                    "--device: must be cpu, gpu or auto, got '%s'".formatted(device)));
  }

  private ModelSpec model(Configuration configuration) {
    return ModelSpec.of(
            "--model",
            Storage.absolute("--model", model, configuration),
            "--adapter",
            Optional.ofNullable(adapter)
                .map(path -> Storage.absolute("--adapter", path, configuration)),
            Precision.FLOAT32,
            threads,
            configuration)
        .on(device());
  }

  /** The rows of a path that an option names. */
  static Source source(
      String option, String path, Optional<String> format, Configuration configuration) {
    return new Source(
        Optional.of(Storage.absolute(option, path, configuration)),
        Optional.empty(),
        format,
        Map.of(),
        List.of());
  }
}

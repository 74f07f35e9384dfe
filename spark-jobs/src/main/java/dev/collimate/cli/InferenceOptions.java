package dev.collimate.cli;

import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.Source;
import dev.collimate.executor.ModelSpec;
import dev.collimate.nn.Precision;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Storage;
import dev.collimate.train.MemoryPlan;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
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
      names = "--format",
      paramLabel = "FORMAT",
      description = "Spark's name of the input's format; by the file's ending where it is absent.")
  private String format;

  /** spark-submit's settings, with the memory that the model takes in an executor. */
  SparkConf conf() {
    SparkConf conf = new SparkConf();
    Configuration configuration = HadoopFiles.configuration();
    String folder = Storage.absolute(model, configuration);
    try (ModelFolder opened =
        ModelFolder.open(HadoopFolder.open("--model", folder, configuration))) {
      MemoryPlan.ofInference(opened.config(), opened.layout().parameters().size()).applyTo(conf);
    }
    return conf;
  }

  /** In full: executors have another working directory. */
  String output(Configuration configuration) {
    return Storage.absolute(output, configuration);
  }

  ModelSpec model(Configuration configuration) {
    return ModelSpec.of(
        "--model",
        Storage.absolute(model, configuration),
        "--adapter",
        Optional.ofNullable(adapter).map(path -> Storage.absolute(path, configuration)),
        Precision.FLOAT32,
        threads,
        configuration);
  }

  Source source(String path, Configuration configuration) {
    return new Source(
        Optional.of(Storage.absolute(path, configuration)),
        Optional.empty(),
        Optional.ofNullable(format),
        Map.of(),
        List.of());
  }
}

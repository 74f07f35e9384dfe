package dev.collimate.cli;

import dev.collimate.config.Source;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/** Where the rows of a command go that reads no model, and the format that it reads. */
final class RowsOptions {

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description =
          "What is written; must not exist. Rows: a .jsonl or .parquet file, or a folder.")
  private String output;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "Spark's name of the input's format; by the file's ending where it is absent.")
  private String format;

  /** What a command does. */
  @FunctionalInterface
  interface Job {
    /** Writes to {@code output} and says what there is to say. */
    Map<String, Object> run(SparkSession session, List<Source> rows, String output)
        throws IOException;
  }

  /**
   * Runs a job on the cluster and prints what it says.
   *
   * @param option that names what is read
   * @param paths of what is read
   */
  void run(String name, String option, List<String> paths, OutputOptions result, Job job)
      throws IOException {
    try (SparkSession session = Sessions.open("collimate " + name, new SparkConf())) {
      Configuration configuration = session.sparkContext().hadoopConfiguration();
      String target = Storage.absolute("--output", output, configuration);
      List<Source> sources =
          paths.stream().map(path -> source(option, path, configuration)).toList();
      Map<String, Object> values = new LinkedHashMap<>();
      values.put("output", target);
      values.putAll(job.run(session, sources, target));
      result.print(values);
    }
  }

  private Source source(String option, String path, Configuration configuration) {
    return InferenceOptions.source(option, path, Optional.ofNullable(format), configuration);
  }
}

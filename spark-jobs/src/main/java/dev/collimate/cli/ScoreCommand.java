package dev.collimate.cli;

import dev.collimate.inference.Score;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code score}: the log-probs that a model gives every row. */
@Command(
    name = "score",
    mixinStandardHelpOptions = true,
    description = {
      "Writes the log-probs that a model gives every row's completion: chosen_logps and"
          + " rejected_logps of pairs, logps of other rows, with *_num_tokens; the input's columns"
          + " are kept."
    })
final class ScoreCommand implements Callable<Integer> {

  @Mixin private InferenceOptions inference;

  @Option(names = "--data", required = true, paramLabel = "PATH", description = "The rows.")
  private String data;

  @Option(names = "--tokens", description = "Add lists with every token's log-prob and id.")
  private boolean tokens;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    try (SparkSession session = Sessions.open("collimate score", inference.conf())) {
      Configuration configuration = session.sparkContext().hadoopConfiguration();
      String output = inference.output(configuration);
      long rows =
          Score.run(
              session,
              inference.model(configuration),
              inference.source(data, configuration),
              output,
              tokens ? Score.Detail.TOKENS : Score.Detail.SUMS);
      Map<String, Object> values = new LinkedHashMap<>();
      values.put("output", output);
      values.put("rows", rows);
      result.print(values);
    }
    return 0;
  }
}

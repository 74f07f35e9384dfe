package dev.collimate.cli;

import dev.collimate.inference.Score;
import java.io.IOException;
import java.util.concurrent.Callable;
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
    Score.Detail detail = tokens ? Score.Detail.TOKENS : Score.Detail.SUMS;
    inference.run(
        "score",
        "--data",
        data,
        result,
        (session, model, rows, output) -> Score.run(session, model, rows, output, detail));
    return 0;
  }
}

package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.inference.BestAndWorst;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code pair}: the best and the worst answer to every prompt. */
@Command(
    name = "pair",
    mixinStandardHelpOptions = true,
    description = {
      "Makes a pair of the best and the worst of every prompt's answers, from rows with prompt,"
          + " completion and reward: prompt, chosen, rejected, chosen_score and rejected_score. Where"
          + " rewards are vectors of a general preference model, an answer's score is its mean"
          + " preference over all answers."
    })
final class PairCommand implements Callable<Integer> {

  @Option(
      names = "--data",
      required = true,
      paramLabel = "PATH",
      description = "Answers with rewards, as score --reward or judge write them.")
  private String data;

  @Option(
      names = "--min_gap",
      defaultValue = "0",
      paramLabel = "D",
      description = "Leave out pairs whose scores differ by less (default: ${DEFAULT-VALUE}).")
  private double minGap;

  @Mixin private RowsOptions rows;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    if (!(minGap >= 0)) {
      throw CollimateException.usage("--min_gap: must be >= 0, got " + minGap);
    }
    rows.run(
        "pair",
        "--data",
        List.of(data),
        result,
        (session, sources, output) -> BestAndWorst.run(session, sources.get(0), minGap, output));
    return 0;
  }
}

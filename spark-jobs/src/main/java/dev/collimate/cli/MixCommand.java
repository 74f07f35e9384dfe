package dev.collimate.cli;

import dev.collimate.inference.FitMixer;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code mix}: how much each of several rewards counts, by the prompt. */
@Command(
    name = "mix",
    mixinStandardHelpOptions = true,
    description = {
      "Learns from what several rewards gave preferred answers how much each is to count for a prompt"
          + " (PRO, experimental), and writes it as a file that rollout.reward_mixer names."
    })
final class MixCommand implements Callable<Integer> {

  @Option(
      names = "--scores",
      required = true,
      paramLabel = "LABEL=PATH",
      description =
          "An output of score --reward, under the label that the run's rewards have; once for each"
              + " reward, all on one file.")
  private Map<String, String> scores;

  @Option(
      names = "--temperature",
      defaultValue = "1",
      paramLabel = "T",
      description =
          "The lower, the more the best reward of an answer alone (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Mixin private RowsOptions rows;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    rows.run(
        "mix",
        "--scores",
        List.copyOf(scores.values()),
        result,
        (session, sources, output) ->
            FitMixer.run(session, List.copyOf(scores.keySet()), sources, temperature, output));
    return 0;
  }
}

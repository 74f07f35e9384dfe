package dev.collimate.cli;

import dev.collimate.inference.PreferenceStrength;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code strength}: how strong labels are, by an ensemble of reward models. */
@Command(
    name = "strength",
    mixinStandardHelpOptions = true,
    description = {
      "Joins what several reward models gave the same pairs: the rows with preference_strength, the"
          + " mean over the models of chosen_reward - rejected_reward, and preference_strength_std. The"
          + " objective reward reads the former."
    })
final class StrengthCommand implements Callable<Integer> {

  @Option(
      names = "--scores",
      required = true,
      paramLabel = "PATH",
      description = "An output of score --reward; once for each model, all on one file.")
  private List<String> scores;

  @Mixin private RowsOptions rows;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    rows.run("strength", "--scores", scores, result, PreferenceStrength::run);
    return 0;
  }
}

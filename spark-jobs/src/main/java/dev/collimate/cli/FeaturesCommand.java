package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.inference.Features;
import dev.collimate.inference.PairAccuracy;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code features fit} and {@code features score}: rewards from named features of answers. */
@Command(
    name = "features",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Fits a reward to named features of answers, and gives rows that reward.",
    subcommands = {FeaturesCommand.Fit.class, FeaturesCommand.Score.class})
final class FeaturesCommand implements Runnable {

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is missing: features fit or features score");
  }

  /** {@code features fit}. */
  @Command(
      name = "fit",
      mixinStandardHelpOptions = true,
      description = {
        "Fits a reward to pairs by their features, the numbers in chosen_NAME and rejected_NAME:"
            + " signed weights of the standardised features, or a small network. Writes it as JSON."
      })
  static final class Fit implements Callable<Integer> {

    @Option(names = "--data", required = true, paramLabel = "PATH", description = "The pairs.")
    private String data;

    @Option(
        names = "--features",
        required = true,
        split = ",",
        paramLabel = "NAME",
        description = "Names of the features, with commas between them.")
    private List<String> features;

    @Option(
        names = "--hidden",
        defaultValue = "0",
        paramLabel = "N",
        description = "Units of a network's layer; 0: signed weights (default).")
    private int hidden;

    @Option(names = "--sparse", description = "Penalise by l1, which leaves features out, not l2.")
    private boolean sparse;

    @Option(
        names = "--c",
        paramLabel = "C",
        description = {
          "Inverse strength of the penalty; where absent, of weights the best of 12 from 1e-5 to 1e5"
              + " in 8 folds, of a network none."
        })
    private Double c;

    @Option(names = "--monotone", description = "Let no feature lower the reward.")
    private boolean monotone;

    @Option(
        names = "--seed",
        defaultValue = "42",
        paramLabel = "N",
        description = "Seed of a network's first weights (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Mixin private RowsOptions rows;

    @Mixin private OutputOptions result;

    @Override
    public Integer call() throws IOException {
      Features.Settings settings =
          new Features.Settings(
              hidden,
              sparse,
              c == null ? OptionalDouble.empty() : OptionalDouble.of(c),
              monotone,
              seed);
      if (features.stream().distinct().count() < features.size()) {
        throw CollimateException.usage("--features: one is named twice");
      }
      rows.run(
          "features fit",
          "--data",
          List.of(data),
          result,
          (session, sources, output) ->
              Features.fit(session, sources.get(0), features, settings, output));
      return 0;
    }
  }

  /** {@code features score}. */
  @Command(
      name = "score",
      mixinStandardHelpOptions = true,
      description = {
        "Gives rows the reward that features fit wrote: chosen_reward and rejected_reward of pairs with"
            + " chosen_NAME and rejected_NAME, reward of rows with NAME, and the accuracy on pairs."
      })
  static final class Score implements Callable<Integer> {

    @Option(
        names = "--model",
        required = true,
        paramLabel = "FILE",
        description = "The reward, an output of features fit.")
    private String model;

    @Option(names = "--data", required = true, paramLabel = "PATH", description = "The rows.")
    private String data;

    @Mixin private RowsOptions rows;

    @Mixin private OutputOptions result;

    @Override
    public Integer call() throws IOException {
      byte[] reward = HadoopFiles.read("--model", model);
      rows.run(
          "features score",
          "--data",
          List.of(data),
          result,
          (session, sources, output) -> {
            Map<String, Object> facts = new LinkedHashMap<>();
            facts.put("rows", Features.score(session, reward, sources.get(0), output));
            facts.putAll(PairAccuracy.of(session, output));
            return facts;
          });
      return 0;
    }
  }
}

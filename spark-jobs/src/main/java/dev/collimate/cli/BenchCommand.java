package dev.collimate.cli;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** {@code bench}: measurements; those that are not there yet are refused by name. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "WHAT",
    description =
        "Measures on this cluster, beside the floors and baselines, in one run. Not supported yet:"
            + " step, data.",
    subcommands = {BenchAggregatorCommand.class, BenchRolloutCommand.class})
final class BenchCommand implements Callable<Integer> {

  private static final List<String> KINDS = List.of("step", "data");

  @Spec private CommandSpec spec;

  @Unmatched private List<String> arguments = new ArrayList<>();

  @Override
  public Integer call() {
    Optional<String> kind = arguments.stream().filter(KINDS::contains).findFirst();
    if (kind.isPresent()) {
      throw CollimateException.usage("bench " + kind.get() + " is not supported yet");
    }
    throw new ParameterException(
        spec.commandLine(),
        arguments.stream()
            .filter(argument -> !argument.startsWith("-"))
            .findFirst()
            .map(
                given ->
                    "bench: no measurement is called '"
                        + given
                        + "'; there are aggregator and rollout")
            .orElse("bench: what to measure is missing; there are aggregator and rollout"));
  }
}

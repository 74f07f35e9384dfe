package dev.collimate.cli;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.List;
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
            + " step, data, rollout.",
    subcommands = BenchAggregatorCommand.class)
final class BenchCommand implements Callable<Integer> {

  private static final List<String> KINDS = List.of("step", "data", "rollout");

  @Spec private CommandSpec spec;

  @Unmatched private List<String> arguments = new ArrayList<>();

  @Override
  public Integer call() {
    String kind =
        arguments.stream()
            .filter(KINDS::contains)
            .findFirst()
            .orElseThrow(
                () ->
                    new ParameterException(
                        spec.commandLine(), "bench: what to measure is missing; it is aggregator"));
    throw CollimateException.usage("bench " + kind + " is not supported yet");
  }
}

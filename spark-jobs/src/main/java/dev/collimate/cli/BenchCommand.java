package dev.collimate.cli;

import dev.collimate.CollimateException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Unmatched;

/** {@code bench}: refused by name until there is something to measure with. */
@Command(name = "bench", hidden = true, description = "Not supported yet.")
final class BenchCommand implements Callable<Integer> {

  private static final List<String> KINDS = List.of("step", "aggregator", "data", "rollout");

  @Parameters(arity = "0..1", paramLabel = "WHAT", description = "What is measured.")
  private String what;

  @Unmatched private List<String> rest;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() {
    String name = what != null && KINDS.contains(what) ? "bench " + what : "bench";
    throw CollimateException.usage(name + " is not supported yet");
  }
}

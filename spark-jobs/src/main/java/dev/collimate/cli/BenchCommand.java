package dev.collimate.cli;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/** {@code bench}: refused by name until there is something to measure with. */
@Command(name = "bench", hidden = true, description = "Not supported yet.")
final class BenchCommand implements Callable<Integer> {

  private static final List<String> KINDS = List.of("step", "aggregator", "data", "rollout");

  @Unmatched private List<String> arguments = new ArrayList<>();

  @Override
  public Integer call() {
    String name =
        arguments.stream()
            .filter(KINDS::contains)
            .findFirst()
            .map(kind -> "bench " + kind)
            .orElse("bench");
    throw CollimateException.usage(name + " is not supported yet");
  }
}

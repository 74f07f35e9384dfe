package dev.collimate.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How a command prints its result. */
final class OutputOptions {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(names = "--json", description = "Print the result as one line of JSON.")
  private boolean json;

  @Option(names = "--verbose", description = "Print the stack trace of a failure.")
  private boolean verbose;

  boolean isVerbose() {
    return verbose;
  }

  /** Prints the values, as JSON or as aligned lines. */
  void print(Map<String, Object> values) {
    print(values, TextTable.of(values));
  }

  /** Prints the values as JSON, or the lines that say the same to people. */
  void print(Map<String, Object> values, List<String> lines) {
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      try {
        out.println(JSON.writeValueAsString(values));
      } catch (JsonProcessingException e) {
        throw new UncheckedIOException(e);
      }
    } else {
      lines.forEach(out::println);
    }
    out.flush();
  }
}

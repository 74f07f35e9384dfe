package dev.collimate.integration;

import java.util.List;

/** A command that has ended: its exit code (128 + n for signal n) and all that it printed. */
record Finished(List<String> command, int exitCode, List<String> out, List<String> err) {
  /** Everything, for the description of an assertion. */
  String transcript() {
    return "%s%nexit code %d%n--- stdout%n%s%n--- stderr%n%s"
        .formatted(
            String.join(" ", command),
            exitCode,
            String.join(System.lineSeparator(), out),
            String.join(System.lineSeparator(), err));
  }
}

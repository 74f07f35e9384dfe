package dev.collimate.cli;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** What a failure prints, and its exit code. */
final class Failures {

  private static final String PREFIX = "collimate: ";

  private Failures() {}

  /** Wrong options: one line, and where to read more. */
  static int wrongUsage(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    String message = e.getMessage().lines().findFirst().orElse("wrong usage").strip();
    if (e instanceof UnmatchedArgumentException unmatched) {
      message = unmatched(command, unmatched);
    }
    err.println(PREFIX + message + " (" + command.getCommandSpec().qualifiedName() + " --help)");
    return CollimateException.Kind.USAGE.exitCode();
  }

  private static String unmatched(CommandLine command, UnmatchedArgumentException e) {
    String first = e.getUnmatched().get(0);
    boolean wantsCommand = command.getParent() == null && !e.isUnknownOption();
    String message =
        wantsCommand
            ? "there is no command '" + first + "'"
            : (e.isUnknownOption() ? "there is no option '" : "there is no use for '")
                + first
                + "'";
    return e.getSuggestions().isEmpty()
        ? message
        : message + "; nearest is " + e.getSuggestions().get(0);
  }

  /** A failed command: its sentence, a line for each problem; the stack with {@code --verbose}. */
  static int failed(Exception e, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    CollimateException known = known(e);
    String sentence =
        known != null ? known.getMessage() : "unexpected failure: " + summary(rootCause(e));
    if (isVerbose(command)) {
      e.printStackTrace(err);
    }
    sentence.lines().forEach(line -> err.println(PREFIX + line));
    return known != null ? known.kind().exitCode() : CollimateException.Kind.INTERNAL.exitCode();
  }

  /** The first failure on the way to the root that was meant for the user. */
  private static CollimateException known(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof CollimateException meant) {
        return meant;
      }
    }
    return null;
  }

  private static Throwable rootCause(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null
        && (cause instanceof UncheckedIOException || !(cause instanceof IOException))) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static String summary(Throwable e) {
    String message = e.getMessage() == null ? "" : e.getMessage().lines().findFirst().orElse("");
    return e.getClass().getSimpleName() + (message.isEmpty() ? "" : ": " + message);
  }

  private static boolean isVerbose(CommandLine command) {
    return command.getMixins().values().stream()
        .anyMatch(mixin -> mixin instanceof OutputOptions options && options.isVerbose());
  }
}

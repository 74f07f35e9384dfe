package dev.collimate.aggregate;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Says what the exit codes of dead executors mean. */
final class ExitCode {

  private static final Pattern CODE =
      Pattern.compile(
          "(?:exit ?(?:code|status)|exited|code|status)(?: with| code| status| is)*[:=]?"
              + " ?(\\d{2,3})\\b",
          Pattern.CASE_INSENSITIVE);

  private ExitCode() {}

  /** The reason as Spark gives it, with a word on a code that is known. */
  static String explain(String reason) {
    Matcher code = CODE.matcher(reason);
    if (!code.find()) {
      return reason;
    }
    return switch (code.group(1)) {
      case "134" -> reason + " (134: native code aborted; see the executor's stderr)";
      case "137" ->
          reason
              + " (137: killed from outside, most often for its memory;"
              + " raise spark.executor.memoryOverhead)";
      case "139" -> reason + " (139: native code crashed; see the executor's stderr)";
      case "143" -> reason + " (143: told to end by the cluster manager)";
      default -> reason;
    };
  }
}

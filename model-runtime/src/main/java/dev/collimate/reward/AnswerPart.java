package dev.collimate.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec.Rule;
import dev.collimate.objective.Options;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * The part of a completion that is its answer: what a pattern finds last, else everything after the
 * model's thoughts.
 *
 * @param pattern empty: everything
 */
record AnswerPart(Optional<Pattern> pattern) {

  static final String OPTION = "answer_pattern";

  static final ObjectiveOption PATTERN =
      ObjectiveOption.text(
          OPTION,
          "",
          "A regular expression whose last match in the completion is the answer, or its first"
              + " group where it has one; empty: all that follows `</think>`, or the whole"
              + " completion.");

  static final ObjectiveOption COLUMN =
      ObjectiveOption.text("column", "answer", "The column with the right answer.");

  static final Rule COMPILES = compiles(OPTION);

  private static final String END_OF_THOUGHTS = "</think>";

  static AnswerPart of(Options options) {
    String pattern = options.text(OPTION);
    return new AnswerPart(
        pattern.isEmpty()
            ? Optional.empty()
            : Optional.of(Pattern.compile(pattern, Pattern.DOTALL)));
  }

  /** The option must be a regular expression of Java. */
  static Rule compiles(String option) {
    return new Rule(
        option, "must be a regular expression of Java", options -> isPattern(options.text(option)));
  }

  private static boolean isPattern(String text) {
    try {
      Pattern.compile(text);
      return true;
    } catch (PatternSyntaxException e) {
      return false;
    }
  }

  /** Whether an expression has a group; what is none at all is another rule's. */
  static boolean hasGroup(String text) {
    return !isPattern(text) || Pattern.compile(text).matcher("").groupCount() > 0;
  }

  /** The column named by the option {@code column}. */
  static List<String> columns(Options options) {
    return List.of(options.text("column"));
  }

  /** Empty where the pattern finds nothing. */
  Optional<String> in(String completion) {
    String spoken =
        completion.substring(
            completion.contains(END_OF_THOUGHTS)
                ? completion.lastIndexOf(END_OF_THOUGHTS) + END_OF_THOUGHTS.length()
                : 0);
    return pattern.isEmpty() ? Optional.of(spoken) : last(pattern.get(), spoken);
  }

  /** The last match, or its first group where it has one. */
  static Optional<String> last(Pattern pattern, String text) {
    Matcher matcher = PatientText.matcher(pattern, text);
    Optional<String> last = Optional.empty();
    while (matcher.find()) {
      last = Optional.ofNullable(matcher.group(matcher.groupCount() > 0 ? 1 : 0));
    }
    return last;
  }
}

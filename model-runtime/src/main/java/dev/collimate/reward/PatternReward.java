package dev.collimate.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec.Rule;
import dev.collimate.objective.Options;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether a completion has a form. */
final class PatternReward {

  static final RewardSpec REGEX =
      RewardSpec.pure(
          "regex",
          "1 where the completion matches the pattern, else 0.",
          "Own",
          options -> List.of(),
          List.of(
              ObjectiveOption.text(
                  "pattern",
                  "",
                  "A regular expression of Java, in which `.` matches line ends too; it must be given."),
              ObjectiveOption.choice(
                  "match",
                  List.of("find", "full"),
                  List.of("find", "full"),
                  "Whether a part of the completion may match, or all of it must.")),
          List.of(
              new Rule("pattern", "must be given", options -> !options.text("pattern").isEmpty()),
              AnswerPart.compiles("pattern")),
          PatternReward::regex);

  static final RewardSpec THINK_FORMAT =
      RewardSpec.pure(
          "think_format",
          "1 where the completion begins with its only `<think>`, and `</think>` follows, else 0.",
          "TRL's `think_format_reward`",
          options -> List.of(),
          List.of(),
          List.of(),
          options -> (batch, row) -> RowFunction.oneIf(isThink(batch.completions().get(row))));

  private static final String OPENING = "<think>";

  private PatternReward() {}

  private static RowFunction regex(Options options) {
    Pattern pattern = Pattern.compile(options.text("pattern"), Pattern.DOTALL);
    boolean isFull = options.text("match").equals("full");
    return (batch, row) -> {
      Matcher matcher = PatientText.matcher(pattern, batch.completions().get(row));
      return RowFunction.oneIf(isFull ? matcher.matches() : matcher.find());
    };
  }

  /** TRL's {@code ^<think>(?!.*<think>)(.*?)</think>.*$}, where the dot matches line ends. */
  static boolean isThink(String completion) {
    return completion.startsWith(OPENING)
        && !completion.substring(OPENING.length()).contains(OPENING)
        && completion.contains("</think>");
  }
}

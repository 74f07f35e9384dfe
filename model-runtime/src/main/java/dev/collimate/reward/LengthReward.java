package dev.collimate.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec.Rule;
import dev.collimate.objective.Options;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Rewards by the length of a completion, in tokens. */
final class LengthReward {

  static final RewardSpec SOFT_OVERLONG_PUNISHMENT =
      RewardSpec.pure(
          "soft_overlong_punishment",
          "0 up to `max_completion_len - soft_punish_cache` tokens, falls from there to -1 at `max_completion_len`, and is -1 beyond.",
          "DAPO (Yu et al. 2025), equation 13; TRL's `get_soft_overlong_punishment`",
          options -> List.of(),
          List.of(
              ObjectiveOption.number(
                  "max_completion_len", 256.0, "> 0", "Tokens from which the punishment is -1."),
              ObjectiveOption.number(
                  "soft_punish_cache", 64.0, ">= 0", "Tokens before that over which it grows.")),
          List.of(
              whole("max_completion_len"),
              whole("soft_punish_cache"),
              new Rule(
                  "soft_punish_cache",
                  "must be at most max_completion_len",
                  options ->
                      options.number("soft_punish_cache") <= options.number("max_completion_len"))),
          options ->
              (batch, row) ->
                  OptionalDouble.of(
                      overlong(
                          batch.completionIds().get(row).length,
                          options.number("max_completion_len"),
                          options.number("soft_punish_cache"))));

  static final RewardSpec COSINE =
      RewardSpec.pure(
          "cosine",
          "A right answer is worth `max_value_correct` at no length and less the longer it is, down to `min_value_correct` at `max_len` tokens and beyond; a wrong one goes from `min_value_wrong` up to `max_value_wrong`. It does not apply where the column holds no answer that can be compared.",
          "Demystifying long chain-of-thought reasoning (Yeo et al. 2025), appendix C.1; TRL's `get_cosine_scaled_reward`, but that `correct_by` says what is right",
          AnswerPart::columns,
          Stream.concat(
                  Stream.of(
                      ObjectiveOption.number(
                          "max_len", 1000.0, "> 0", "Tokens at which the reward stops changing."),
                      ObjectiveOption.number(
                          "min_value_wrong", -1.0, "", "Of the shortest wrong answer."),
                      ObjectiveOption.number(
                          "max_value_wrong", -0.5, "", "Of the longest wrong answer."),
                      ObjectiveOption.number(
                          "min_value_correct", 0.5, "", "Of the longest right answer."),
                      ObjectiveOption.number(
                          "max_value_correct", 1.0, "", "Of the shortest right answer."),
                      ObjectiveOption.choice(
                          "correct_by",
                          List.of("number_match", "exact_match", "normalized_match"),
                          List.of("number_match", "exact_match", "normalized_match"),
                          "The reward that says what is right.")),
                  NumberMatch.OPTIONS.stream())
              .toList(),
          List.of(whole("max_len"), AnswerPart.COMPILES),
          LengthReward::cosine);

  private LengthReward() {}

  static Rule whole(String option) {
    Predicate<Options> isWhole = options -> options.number(option) % 1 == 0;
    return new Rule(option, "must be a whole number", isWhole);
  }

  static double overlong(int length, double most, double cache) {
    if (length <= most - cache) {
      return 0;
    }
    return length <= most ? (most - cache - length) / cache : -1;
  }

  private static RowFunction cosine(Options options) {
    Correctness correctness = correctness(options);
    String column = options.text("column");
    return (batch, row) ->
        batch
            .column(column, row)
            .flatMap(gold -> correctness.isRight(batch.completions().get(row), gold))
            .map(
                isRight ->
                    OptionalDouble.of(
                        cosine(isRight, batch.completionIds().get(row).length, options)))
            .orElse(OptionalDouble.empty());
  }

  private static Correctness correctness(Options options) {
    return switch (options.text("correct_by")) {
      case "exact_match" -> new TextMatch(AnswerPart.of(options), String::strip);
      case "normalized_match" -> new TextMatch(AnswerPart.of(options), TextMatch::normalised);
      default -> NumberMatch.of(options);
    };
  }

  /** {@code low + (high - low)(1 + cos(pi min(length / max_len, 1))) / 2}, high at no length. */
  private static double cosine(boolean isRight, int length, Options options) {
    double progress = Math.min(length / options.number("max_len"), 1);
    double high = options.number(isRight ? "max_value_correct" : "min_value_wrong");
    double low = options.number(isRight ? "min_value_correct" : "max_value_wrong");
    return low + 0.5 * (high - low) * (1 + StrictMath.cos(progress * Math.PI));
  }
}

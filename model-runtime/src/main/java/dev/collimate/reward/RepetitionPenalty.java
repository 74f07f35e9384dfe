package dev.collimate.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.Options;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;

/** A penalty for saying the same again. */
final class RepetitionPenalty {

  static final RewardSpec SPEC =
      RewardSpec.pure(
          "repetition_penalty",
          "`max_penalty` times the share of n-grams that occurred before: `(1 - different / all) * max_penalty`; 0 for fewer than `ngram_size` tokens.",
          "Demystifying long chain-of-thought reasoning (Yeo et al. 2025), appendix C.2; TRL's `get_repetition_penalty_reward`, or with `unit: words` open-r1's",
          options -> List.of(),
          List.of(
              ObjectiveOption.number("ngram_size", 3.0, ">= 1", "Units of an n-gram."),
              ObjectiveOption.number(
                  "max_penalty", -1.0, "<= 0", "What a completion tends to that repeats itself."),
              ObjectiveOption.choice(
                  "unit",
                  List.of("tokens", "words"),
                  List.of("tokens", "words"),
                  "Tokens, or words in lower case between spaces.")),
          List.of(LengthReward.whole("ngram_size")),
          RepetitionPenalty::of);

  private RepetitionPenalty() {}

  private static RowFunction of(Options options) {
    int size = (int) options.number("ngram_size");
    double most = options.number("max_penalty");
    boolean isOfWords = options.text("unit").equals("words");
    return (batch, row) ->
        OptionalDouble.of(
            penalty(
                isOfWords
                    ? words(batch.completions().get(row))
                    : Arrays.stream(batch.completionIds().get(row)).boxed().toList(),
                size,
                most));
  }

  private static List<String> words(String completion) {
    String stripped = completion.toLowerCase(Locale.ROOT).strip();
    return stripped.isEmpty() ? List.of() : List.of(stripped.split("\\s+", -1));
  }

  static double penalty(List<?> units, int size, double most) {
    int all = units.size() - size + 1;
    if (all < 1) {
      return 0;
    }
    Set<List<?>> different = new HashSet<>();
    for (int from = 0; from < all; from++) {
      different.add(units.subList(from, from + size));
    }
    // Not -0 where nothing repeats.
    return different.size() == all ? 0 : (1 - (double) different.size() / all) * most;
  }
}

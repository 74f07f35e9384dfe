package dev.collimate.reward;

import dev.collimate.objective.Options;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Whether the answer is the right one, letter by letter or after what does not matter is taken
 * away.
 *
 * @param normalise what both go through before they are compared
 */
record TextMatch(AnswerPart part, UnaryOperator<String> normalise) implements Correctness {

  static final RewardSpec EXACT =
      spec(
          "exact_match",
          "1 where the answer is the column's text, letter by letter but for spaces around it, else 0.",
          "Own",
          String::strip);

  static final RewardSpec NORMALIZED =
      spec(
          "normalized_match",
          "1 where the answer is the column's text but for capital letters, punctuation, the words a, an and the, and spaces, else 0.",
          "SQuAD's evaluation script (Rajpurkar et al. 2016)",
          TextMatch::normalised);

  private static final Pattern ARTICLES = Pattern.compile("\\b(a|an|the)\\b");

  private static final Pattern PUNCTUATION = Pattern.compile("\\p{Punct}");

  private static final Pattern SPACES = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private static RewardSpec spec(
      String name, String meaning, String source, UnaryOperator<String> normalise) {
    return RewardSpec.pure(
        name,
        meaning,
        source,
        AnswerPart::columns,
        List.of(AnswerPart.COLUMN, AnswerPart.PATTERN),
        List.of(AnswerPart.COMPILES),
        options -> of(options, normalise).by(options.text("column")));
  }

  private static TextMatch of(Options options, UnaryOperator<String> normalise) {
    return new TextMatch(AnswerPart.of(options), normalise);
  }

  /** In the order of SQuAD's script: case, punctuation, articles, spaces. */
  static String normalised(String text) {
    String plain = PUNCTUATION.matcher(text.toLowerCase(Locale.ROOT)).replaceAll("");
    return SPACES.matcher(ARTICLES.matcher(plain).replaceAll(" ")).replaceAll(" ").strip();
  }

  @Override
  public Optional<Boolean> isRight(String completion, String gold) {
    String right = normalise.apply(gold);
    return Optional.of(part.in(completion).map(normalise).filter(right::equals).isPresent());
  }
}

package dev.collimate.reward;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The number that a text arrives at. */
final class FinalNumber {

  private static final Pattern BOX = Pattern.compile("\\\\f?boxed\\s*");

  /** What follows on the line, where it does not go on as the heading of a section. */
  private static final Pattern AFTER_HASHES =
      Pattern.compile("####[ \\t]*(?!\\d+[.)][ \\t]+\\S)([-+−–$€£¥₹.*\\\\(\\p{Nd}½⅓⅔¼¾⅕⅛][^\\n]*)");

  /** The sides of an equation; the last is the answer. */
  private static final Pattern EQUALS = Pattern.compile("=|≈|\\\\approx");

  /** What is no plain number, though digits stand in it. */
  private static final Pattern IRRATIONAL = Pattern.compile("\\\\sqrt|√|\\\\pi|π|\\\\log|\\\\ln");

  private FinalNumber() {}

  /**
   * The number in the last box, else after the last hashes, else the last one.
   *
   * @param markedOnly not the last of these
   */
  static Optional<WrittenNumber> in(String text, boolean markedOnly, boolean decimalComma) {
    Optional<String> marked = boxed(text).or(() -> AnswerPart.last(AFTER_HASHES, text));
    if (marked.isPresent()) {
      return ofMarked(marked.get(), decimalComma);
    }
    if (markedOnly) {
      return Optional.empty();
    }
    List<WrittenNumber> all = WrittenNumber.all(text, decimalComma);
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** The first number of the last side of an equation that has one. */
  private static Optional<WrittenNumber> ofMarked(String content, boolean decimalComma) {
    if (IRRATIONAL.matcher(content).find()) {
      return Optional.empty();
    }
    String[] sides = EQUALS.split(content, -1);
    Optional<WrittenNumber> number = Optional.empty();
    for (int i = sides.length - 1; i >= 0 && number.isEmpty(); i--) {
      // A sign may stand apart where nothing but the number is expected.
      String side = sides[i].strip().replaceFirst("^([-−–])\\s+", "$1");
      number = WrittenNumber.all(side, decimalComma).stream().findFirst();
    }
    return number;
  }

  /** What the last box holds that is closed. */
  private static Optional<String> boxed(String text) {
    Matcher box = BOX.matcher(text);
    Optional<String> last = Optional.empty();
    while (box.find()) {
      Optional<String> content = content(text, box.end());
      last = content.isPresent() ? content : last;
    }
    return last;
  }

  private static Optional<String> content(String text, int start) {
    if (start == text.length()) {
      return Optional.empty();
    }
    if (text.charAt(start) != '{') {
      // TeX takes a single character then; people mean the number.
      int end = start;
      while (end < text.length() && "$\n \t".indexOf(text.charAt(end)) < 0) {
        end++;
      }
      return Optional.of(text.substring(start, end));
    }
    int depth = 0;
    for (int i = start; i < text.length(); i++) {
      depth += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
      if (depth == 0) {
        return Optional.of(text.substring(start + 1, i));
      }
    }
    return Optional.empty();
  }
}

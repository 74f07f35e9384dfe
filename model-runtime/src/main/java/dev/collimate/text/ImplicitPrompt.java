package dev.collimate.text;

import java.util.List;

/** Splits the prompt off a pair that has none of its own: what both sides begin with. */
final class ImplicitPrompt {

  private ImplicitPrompt() {}

  /**
   * Where two texts part: the end of their longest common prefix, less one trailing space. Where
   * one text is a prefix of the other, the last blank of it, so that both completions have text.
   *
   * @return UTF-16 index, never inside a character
   */
  static int split(String chosen, String rejected) throws Refusal {
    requireDifferent(chosen.equals(rejected));
    int shorter = Math.min(chosen.length(), rejected.length());
    int common = 0;
    while (common < shorter && chosen.charAt(common) == rejected.charAt(common)) {
      common++;
    }
    if (common > 0 && Character.isHighSurrogate(chosen.charAt(common - 1))) {
      common--;
    }
    if (common < shorter) {
      return common > 0 && chosen.charAt(common - 1) == ' ' ? common - 1 : common;
    }
    for (int i = common - 1; i >= 0; i--) {
      if (Character.isWhitespace(chosen.charAt(i))) {
        return i;
      }
    }
    throw new Refusal(
        Refusal.PREFIX_PAIR,
        "'%s' begins the other side and has no blank to split a prompt off at"
            .formatted(chosen.length() < rejected.length() ? "chosen" : "rejected"));
  }

  /**
   * Where two conversations part: the number of messages that both begin with. Where one is a
   * prefix of the other, one message less.
   */
  static int split(List<?> chosen, List<?> rejected) throws Refusal {
    requireDifferent(chosen.equals(rejected));
    int shorter = Math.min(chosen.size(), rejected.size());
    int common = 0;
    while (common < shorter && chosen.get(common).equals(rejected.get(common))) {
      common++;
    }
    if (common < shorter) {
      return common;
    }
    if (common == 0) {
      throw new Refusal(Refusal.PREFIX_PAIR, "one side has no messages");
    }
    return common - 1;
  }

  private static void requireDifferent(boolean areEqual) throws Refusal {
    if (areEqual) {
      throw new Refusal(
          Refusal.IDENTICAL_PAIR, "'chosen' and 'rejected' are the same, and there is no 'prompt'");
    }
  }
}

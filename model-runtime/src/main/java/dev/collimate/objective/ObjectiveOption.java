package dev.collimate.objective;

import java.util.List;

/**
 * An option of an objective, as data from which its checks and its help come.
 *
 * @param name as in the run file
 * @param usual its default, a Boolean, Double or String, which gives its type
 * @param range bounds of a number, such as {@code "> 0"} or {@code ">= 0 and < 1"}; empty for none.
 *     A text with bounds may be such a number too
 * @param values legal values of a text; empty for others
 * @param supported those of {@code values} that are built
 */
public record ObjectiveOption(
    String name,
    Object usual,
    String range,
    List<String> values,
    List<String> supported,
    String meaning) {

  public ObjectiveOption {
    values = List.copyOf(values);
    supported = List.copyOf(supported);
  }

  static ObjectiveOption flag(String name, Boolean usual, String meaning) {
    return new ObjectiveOption(name, usual, "", List.of(), List.of(), meaning);
  }

  static ObjectiveOption number(String name, Double usual, String range, String meaning) {
    return new ObjectiveOption(name, usual, range, List.of(), List.of(), meaning);
  }

  /** A number, or one word instead, which is the default; as text. */
  static ObjectiveOption numberOr(String name, String word, String range, String meaning) {
    return new ObjectiveOption(name, word, range, List.of(word), List.of(word), meaning);
  }

  /** Any text. */
  static ObjectiveOption text(String name, String usual, String meaning) {
    return new ObjectiveOption(name, usual, "", List.of(), List.of(), meaning);
  }

  static ObjectiveOption choice(
      String name, List<String> values, List<String> supported, String meaning) {
    return new ObjectiveOption(name, supported.get(0), "", values, supported, meaning);
  }
}

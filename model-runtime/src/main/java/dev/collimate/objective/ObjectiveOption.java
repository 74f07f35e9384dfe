package dev.collimate.objective;

import dev.collimate.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;

/**
 * An option of an objective, as data from which its checks and its help come.
 *
 * @param name as in the run file
 * @param usual its default, of the kind's type
 * @param range bounds of a number, such as {@code "> 0"} or {@code ">= 0 and < 1"}; empty for none
 * @param values legal values of a text; empty for others
 * @param supported those of {@code values} that are built
 * @param effect where the option does something; empty: everywhere
 */
public record ObjectiveOption(
    String name,
    Kind kind,
    Object usual,
    String range,
    List<String> values,
    List<String> supported,
    String meaning,
    Optional<Effect> effect) {

  /** What an option takes, and the type of its value. */
  public enum Kind {
    /** Boolean. */
    FLAG,
    /** Double. */
    NUMBER,
    /** A String of the legal values. */
    CHOICE,
    /** One of the legal values as a String, or a List of several. */
    CHOICES,
    /** A List of Double. */
    NUMBERS,
    /** A number within the bounds or the one legal word, as a String. */
    NUMBER_OR_WORD,
    /** Any String. */
    TEXT
  }

  /**
   * The values of another option with which an option does something.
   *
   * @param option of kind CHOICE, CHOICES or FLAG
   * @param values as text
   */
  public record Effect(String option, List<String> values) {

    public Effect {
      values = List.copyOf(values);
    }

    boolean isIn(Options options) {
      return options.texts(option).stream().anyMatch(values::contains);
    }
  }

  public ObjectiveOption {
    values = List.copyOf(values);
    supported = List.copyOf(supported);
  }

  private static ObjectiveOption of(
      String name, Kind kind, Object usual, String range, List<String> values, String meaning) {
    return new ObjectiveOption(name, kind, usual, range, values, values, meaning, Optional.empty());
  }

  public static ObjectiveOption flag(String name, Boolean usual, String meaning) {
    return of(name, Kind.FLAG, usual, "", List.of(), meaning);
  }

  public static ObjectiveOption number(String name, Double usual, String range, String meaning) {
    return of(name, Kind.NUMBER, usual, range, List.of(), meaning);
  }

  public static ObjectiveOption numbers(
      String name, List<Double> usual, String range, String meaning) {
    return of(name, Kind.NUMBERS, List.copyOf(usual), range, List.of(), meaning);
  }

  /** A number, or one word instead, which is the default; as text. */
  public static ObjectiveOption numberOr(String name, String word, String range, String meaning) {
    return of(name, Kind.NUMBER_OR_WORD, word, range, List.of(word), meaning);
  }

  /** Any text. */
  public static ObjectiveOption text(String name, String usual, String meaning) {
    return of(name, Kind.TEXT, usual, "", List.of(), meaning);
  }

  public static ObjectiveOption choice(
      String name, List<String> values, List<String> supported, String meaning) {
    return new ObjectiveOption(
        name, Kind.CHOICE, supported.get(0), "", values, supported, meaning, Optional.empty());
  }

  /** One or several of the values; the first is the default. */
  public static ObjectiveOption choices(String name, List<String> values, String meaning) {
    return of(name, Kind.CHOICES, values.get(0), "", values, meaning);
  }

  /** The same option where it does something with these values of another alone. */
  public ObjectiveOption onlyWith(String option, List<String> ofOption) {
    return new ObjectiveOption(
        name,
        kind,
        usual,
        range,
        values,
        supported,
        meaning,
        Optional.of(new Effect(option, ofOption)));
  }

  /** Whether the option does something beside the values of the others. */
  public boolean hasEffect(Options options) {
    return effect.map(where -> where.isIn(options)).orElse(true);
  }

  /** A value that is not the default, in words such as {@code alpha: 0}. */
  record Setting(String words, Object value) {}

  /** Other values, such as may change what an objective reads: of numbers any other one, and 0. */
  List<Setting> others() {
    return switch (kind) {
      case FLAG -> List.of(with(!(Boolean) usual));
      case CHOICE, CHOICES ->
          supported.stream().filter(value -> !value.equals(usual)).map(this::with).toList();
      case NUMBER -> otherNumbers((Double) usual);
      case NUMBERS, NUMBER_OR_WORD, TEXT -> List.of();
    };
  }

  private Setting with(Object value) {
    return new Setting(name + ": " + value, value);
  }

  private List<Setting> otherNumbers(double number) {
    Range legal = new Range(range);
    List<Setting> others = new ArrayList<>();
    DoubleStream.of(number + 1, number / 2)
        .filter(other -> other != number && legal.holds(other))
        .limit(1)
        .forEach(other -> others.add(new Setting(name + " other than " + number, other)));
    if (number != 0 && legal.holds(0)) {
      others.add(new Setting(name + ": 0", 0.0));
    }
    return others;
  }
}

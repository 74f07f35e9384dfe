package dev.collimate.objective;

import java.util.List;
import java.util.Optional;

/** An option of an objective: its default and what it accepts. */
public sealed interface OptionSpec {

  String name();

  /** The value where the run file gives none. */
  Object defaultValue();

  /** What is accepted, for help and messages. */
  String accepts();

  /** What is wrong with a value, as the end of a sentence; empty where it is accepted. */
  Optional<String> problem(Object value);

  /** A number above 0. */
  static Positive positive(String name, double defaultValue) {
    return new Positive(name, defaultValue);
  }

  /** One of several words. */
  static Choice choice(String name, String defaultValue, String... choices) {
    return new Choice(name, defaultValue, List.of(choices), List.of());
  }

  /** A name that TRL's users know and that is not built yet. */
  static Later later(String name) {
    return new Later(name);
  }

  /** A number above 0. */
  record Positive(String name, Double defaultValue) implements OptionSpec {
    @Override
    public String accepts() {
      return "a number > 0";
    }

    @Override
    public Optional<String> problem(Object value) {
      if (value instanceof Number number
          && number.doubleValue() > 0
          && Double.isFinite(number.doubleValue())) {
        return Optional.empty();
      }
      return Optional.of("must be " + accepts() + ", got " + value + "; usual is " + defaultValue);
    }
  }

  /**
   * One of several words.
   *
   * @param later words that TRL's users know and that are not built yet
   */
  record Choice(String name, String defaultValue, List<String> choices, List<String> later)
      implements OptionSpec {
    Choice withLater(String... words) {
      return new Choice(name, defaultValue, choices, List.of(words));
    }

    @Override
    public String accepts() {
      return choices.size() == 1 ? choices.get(0) : "one of " + String.join(", ", choices);
    }

    @Override
    public Optional<String> problem(Object value) {
      if (value instanceof String word && choices.contains(word)) {
        return Optional.empty();
      }
      if (value instanceof String word && later.contains(word)) {
        return Optional.of("'" + word + "' is not supported yet; accepted is " + accepts());
      }
      return Optional.of("must be " + accepts() + ", got '" + value + "'");
    }
  }

  /** A name that TRL's users know and that is not built yet. */
  record Later(String name) implements OptionSpec {
    @Override
    public Object defaultValue() {
      throw new IllegalStateException(name + " has no default");
    }

    @Override
    public String accepts() {
      return "nothing yet";
    }

    @Override
    public Optional<String> problem(Object value) {
      return Optional.of("is not supported yet");
    }
  }
}

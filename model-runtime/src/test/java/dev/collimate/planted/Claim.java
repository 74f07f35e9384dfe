package dev.collimate.planted;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What is claimed for an objective.
 *
 * @param treated the objective
 * @param plain what is run beside it, with the same seeds
 * @param source where the claim comes from
 */
record Claim(Setup treated, Setup plain, Measure measure, Expectation expected, String source) {

  /** The first cells of its line in a table. */
  String cells() {
    return "| `%s` | %s | %s | %s |"
        .formatted(treated.text(), treated.scenario(), measure, expected.text());
  }

  List<Scenario> scenarios() {
    return List.of(treated.scenario(), plain.scenario());
  }

  /**
   * An objective on rows; two equal ones are one run.
   *
   * @param options those that are not as usual
   */
  record Setup(String objective, Map<String, Object> options, Scenario scenario) {
    Setup {
      requireNonNull(scenario, "scenario");
      options = Map.copyOf(options);
    }

    /** As in a run file. */
    String text() {
      return new TreeMap<>(options)
          .entrySet().stream()
              .filter(option -> !option.getKey().equals("rationale_template"))
              .map(option -> option.getKey() + ": " + option.getValue())
              .collect(Collectors.joining(", ", objective + " {", "}"))
              .replace(" {}", "");
    }
  }

  /** How the measure is to come out. */
  enum Direction {
    /** More than beside it. */
    MORE,
    /** Less than beside it. */
    LESS,
    /** Above a number. */
    ABOVE,
    /** Below a number. */
    BELOW,
    /** Nearer to a number than a quarter of it, on average. */
    NEAR
  }

  /**
   * @param number that is compared with; unused by MORE and LESS
   */
  record Expectation(Direction direction, double number) {
    static final Expectation MORE = new Expectation(Direction.MORE, 0);
    static final Expectation LESS = new Expectation(Direction.LESS, 0);
    static final Expectation ABOVE_CHANCE = new Expectation(Direction.ABOVE, 0.5);

    String text() {
      return switch (direction) {
        case MORE -> "more";
        case LESS -> "less";
        case ABOVE -> "> " + number;
        case BELOW -> "< " + number;
        case NEAR -> "near " + number;
      };
    }
  }
}

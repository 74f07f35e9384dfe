package dev.collimate.planted;

import dev.collimate.planted.Claim.Direction;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What came of a claim, seed by seed.
 *
 * @param treated the measure by seed
 * @param plain the same of what was run beside it
 */
record Findings(Claim claim, List<Double> treated, List<Double> plain) {

  /** 97.5 % point of Student's t by degrees of freedom, from 1. */
  private static final double[] STUDENT = {
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262
  };

  enum Verdict {
    /** The 95 % interval lies on the side that was expected. */
    APPEARS("yes"),
    /** It lies on both sides. */
    UNDECIDED("no"),
    /** It lies on the other side. */
    OPPOSITE("the opposite");

    private final String text;

    Verdict(String text) {
      this.text = text;
    }
  }

  Verdict verdict() {
    Claim.Expectation expected = claim.expected();
    if (expected.direction() == Direction.NEAR) {
      double distance = Math.abs(mean(treated) - expected.number());
      return distance < expected.number() / 4 ? Verdict.APPEARS : Verdict.UNDECIDED;
    }
    double[] effects = effects();
    double mean = mean(effects);
    double reach = STUDENT[effects.length - 2] * standardError(effects);
    if (Math.abs(mean) <= reach) {
      return Verdict.UNDECIDED;
    }
    boolean isMore =
        expected.direction() == Direction.MORE || expected.direction() == Direction.ABOVE;
    return mean > 0 == isMore ? Verdict.APPEARS : Verdict.OPPOSITE;
  }

  /** By seed: the difference to what is compared with. */
  private double[] effects() {
    double[] effects = differences();
    Direction direction = claim.expected().direction();
    if (direction == Direction.ABOVE || direction == Direction.BELOW) {
      for (int i = 0; i < effects.length; i++) {
        effects[i] = treated.get(i) - claim.expected().number();
      }
    }
    return effects;
  }

  private double[] differences() {
    double[] differences = new double[treated.size()];
    for (int i = 0; i < differences.length; i++) {
      differences[i] = treated.get(i) - plain.get(i);
    }
    return differences;
  }

  /** A line of the table. */
  String line() {
    boolean isAlone = claim.treated().equals(claim.plain());
    String plainText = isAlone ? "" : "`%s` %s".formatted(plainName(), text(plain));
    double[] differences = differences();
    String difference =
        isAlone
            ? ""
            : String.format(
                Locale.ROOT, "%+.3f ± %.3f", mean(differences), standardError(differences));
    return "%s %s | %s | %s | %s |"
        .formatted(claim.cells(), text(treated), plainText, difference, verdict().text);
  }

  private String plainName() {
    boolean isOtherScenario = claim.plain().scenario() != claim.treated().scenario();
    return claim.plain().text() + (isOtherScenario ? " on " + claim.plain().scenario() : "");
  }

  /** Mean and standard deviation over the seeds. */
  private static String text(List<Double> values) {
    double[] numbers = values.stream().mapToDouble(Double::doubleValue).toArray();
    return String.format(Locale.ROOT, "%.3f (%.3f)", mean(numbers), deviation(numbers));
  }

  private static double mean(List<Double> values) {
    return mean(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  private static double deviation(double[] values) {
    double mean = mean(values);
    double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
    return Math.sqrt(squares / (values.length - 1));
  }

  private static double standardError(double[] values) {
    return deviation(values) / Math.sqrt(values.length);
  }
}

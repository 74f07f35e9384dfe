package dev.collimate.quickstart;

import java.util.Map;
import org.apache.commons.math3.stat.interval.ConfidenceInterval;
import org.apache.commons.math3.stat.interval.WilsonScoreInterval;

/** How many of a number of trials succeeded. */
public record Proportion(int successes, int trials) {

  private static final double CONFIDENCE = 0.95;

  public Proportion {
    if (trials < 1 || successes < 0 || successes > trials) {
      throw new IllegalArgumentException(
          "successes must be in 0 to trials, got " + successes + " of " + trials);
    }
  }

  double rate() {
    return (double) successes / trials;
  }

  /** Wilson's 95 % interval; rounding must not carry its ends out of [0, 1]. */
  ConfidenceInterval interval() {
    ConfidenceInterval wilson =
        new WilsonScoreInterval().createInterval(trials, successes, CONFIDENCE);
    return new ConfidenceInterval(
        Math.max(0, wilson.getLowerBound()), Math.min(1, wilson.getUpperBound()), CONFIDENCE);
  }

  /** Standard error of the difference of two independent rates, {@code sqrt(sum p(1-p)/n)}. */
  static double standardErrorOfDifference(Proportion a, Proportion b) {
    return Math.sqrt(a.variance() + b.variance());
  }

  private double variance() {
    return rate() * (1 - rate()) / trials;
  }

  /** Adds the rate under a name, and the interval's ends beside it. */
  void put(Map<String, Object> values, String name) {
    ConfidenceInterval interval = interval();
    values.put(name, rate());
    values.put(name + "_low", interval.getLowerBound());
    values.put(name + "_high", interval.getUpperBound());
  }

  /** {@code "0.983 (0.974-0.989)"}. */
  @Override
  public String toString() {
    ConfidenceInterval interval = interval();
    return "%.3f (%.3f-%.3f)".formatted(rate(), interval.getLowerBound(), interval.getUpperBound());
  }
}

package dev.collimate.online;

import java.util.List;

/**
 * Mean and variance of numbers, NaN left out.
 *
 * @param count of them
 * @param mean NaN where there are none
 * @param variance unbiased, that is over {@code count - 1}; NaN where there are fewer than two
 */
public record Moments(long count, double mean, double variance) {

  /** What keeps a whitened number finite where all are equal; TRL's. */
  private static final double EPSILON = 1e-8;

  public static Moments of(double... numbers) {
    return of(List.of(numbers));
  }

  /** Of all numbers together, in their order. */
  public static Moments of(List<double[]> all) {
    long count = 0;
    double sum = 0;
    for (double[] numbers : all) {
      for (double number : numbers) {
        if (!Double.isNaN(number)) {
          count++;
          sum += number;
        }
      }
    }
    double mean = sum / count;
    double squares = 0;
    for (double[] numbers : all) {
      for (double number : numbers) {
        if (!Double.isNaN(number)) {
          squares += (number - mean) * (number - mean);
        }
      }
    }
    return new Moments(count, mean, count < 2 ? Double.NaN : squares / (count - 1));
  }

  public double std() {
    return StrictMath.sqrt(variance);
  }

  /** {@code (number - mean) / sqrt(variance + 1e-8)}; 0 where there are fewer than two numbers. */
  public double whitened(double number) {
    return count < 2 ? 0 : (number - mean) / StrictMath.sqrt(variance + EPSILON);
  }

  /**
   * {@code (number - mean) / sqrt(max(variance, 1e-8))} with the variance over {@code count};
   * OpenRLHF's.
   */
  public double standardized(double number) {
    double ofAll = count < 2 ? 0 : variance * (count - 1) / count;
    return (number - mean) / StrictMath.sqrt(Math.max(ofAll, EPSILON));
  }

  /** The whitened number with the mean as it was. */
  public double rescaled(double number) {
    return whitened(number) + mean;
  }
}

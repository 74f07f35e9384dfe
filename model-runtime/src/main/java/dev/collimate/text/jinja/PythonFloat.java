package dev.collimate.text.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/** Floating point numbers as Python writes them: the fewest digits that give the number back. */
public final class PythonFloat {

  private static final int MAX_DIGITS = 17;

  private PythonFloat() {}

  /** {@code repr(value)}: {@code 0.001}, {@code 1e-05}, {@code 1000000.0}, {@code nan}. */
  static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value > 0 ? "0.0" : "-0.0";
    }
    BigDecimal shortest = shortest(value).stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    return "%se%s%02d"
        .formatted(
            shortest.scaleByPowerOfTen(-exponent).toPlainString(),
            exponent < 0 ? "-" : "+",
            Math.abs(exponent));
  }

  /** {@code json.dumps(value)}: the same but {@code NaN}, {@code Infinity}, {@code -Infinity}. */
  public static String json(double value) {
    return Double.isNaN(value) || Double.isInfinite(value) ? Double.toString(value) : repr(value);
  }

  private static BigDecimal shortest(double value) {
    BigDecimal exact = new BigDecimal(value);
    for (int digits = 1; digits < MAX_DIGITS; digits++) {
      BigDecimal nearest = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (nearest.doubleValue() == value) {
        return nearest;
      }
      // Next to a power of two the doubles lie twice as far apart away from zero, so the farther
      // decimal may give the number back where the nearer one does not.
      BigDecimal farther = exact.round(new MathContext(digits, RoundingMode.UP));
      if (farther.doubleValue() == value) {
        return farther;
      }
    }
    return exact.round(new MathContext(MAX_DIGITS, RoundingMode.HALF_EVEN));
  }
}

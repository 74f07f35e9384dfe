package dev.collimate.checkpoint;

import java.math.BigDecimal;

/**
 * Floating point numbers as Python prints them: {@code 1e-05}, {@code 0.001}, {@code 1000000.0}.
 */
final class PythonNumbers {

  private PythonNumbers() {}

  static String format(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return Double.toString(value);
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = decimal.precision() - decimal.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = decimal.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    BigDecimal mantissa = decimal.scaleByPowerOfTen(-exponent);
    return "%se%s%02d"
        .formatted(mantissa.toPlainString(), exponent < 0 ? "-" : "+", Math.abs(exponent));
  }
}

package dev.collimate.inference;

import java.util.List;

/** Numbers in the columns of rows. */
final class RowNumbers {

  private RowNumbers() {}

  /** The number, or the numbers of a list; none where the value is neither or not finite. */
  static double[] of(Object value) {
    List<?> items =
        value instanceof List<?> list ? list : value == null ? List.of() : List.of(value);
    double[] numbers = new double[items.size()];
    for (int i = 0; i < numbers.length; i++) {
      if (!(items.get(i) instanceof Number number) || !Double.isFinite(number.doubleValue())) {
        return new double[0];
      }
      numbers[i] = number.doubleValue();
    }
    return numbers;
  }

  /** Whether a value is one finite number. */
  static boolean isOne(Object value) {
    return !(value instanceof List<?>) && of(value).length == 1;
  }
}

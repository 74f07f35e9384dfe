package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Filters.Filter;
import java.math.BigDecimal;
import java.util.Map;

/** Filters that give numbers. */
final class NumberFilters {

  static final Map<String, Filter> ALL =
      Map.of(
          "abs", NumberFilters::abs,
          "float", NumberFilters::toFloat,
          "int", NumberFilters::toInt,
          "round", NumberFilters::round,
          "sum", NumberFilters::sum);

  /** Digits of the largest 64-bit integer. */
  private static final int MAX_DIGITS = 19;

  /** Characters of a number in text; Python stops at as many digits. */
  private static final int MAX_NUMBER = 4300;

  private NumberFilters() {}

  private static Object abs(Object value, Arguments arguments, Run run) {
    if (!Values.isNumber(value)) {
      throw Values.wrongType(value, "abs", "a number");
    }
    return Values.compare(value, 0L) < 0
        ? Arithmetic.negate(value)
        : Arithmetic.ADD.apply(0L, value);
  }

  private static Object toInt(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("int", "default", "base");
    Object absent = bound.value(0, 0L);
    long base = bound.integer(1, 10);
    if (value instanceof Long || value instanceof Boolean) {
      return Values.integer(value, "int");
    }
    String text =
        value instanceof Double d ? d.toString() : Values.isString(value) ? Values.text(value) : "";
    text = PythonText.strip(text).replace("_", "");
    try {
      if (Values.isString(value)) {
        return Long.parseLong(withoutPrefix(text, base), (int) base);
      }
    } catch (NumberFormatException e) {
      // What is no integer may be a float, as "42.23" is.
      return truncated(text, absent);
    }
    return truncated(text, absent);
  }

  private static String withoutPrefix(String text, long base) {
    String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
    boolean hasPrefix =
        !prefix.isEmpty() && text.regionMatches(/* ignoreCase= */ true, 0, prefix, 0, 2);
    return hasPrefix ? text.substring(2) : text;
  }

  private static Object truncated(String text, Object absent) {
    if (text.length() > MAX_NUMBER) {
      return absent;
    }
    try {
      BigDecimal number = new BigDecimal(text);
      // The digits before the point are counted first: "1e500000000" would have to be written out.
      long wholeDigits = number.signum() == 0 ? 0 : (long) number.precision() - number.scale();
      if (wholeDigits > MAX_DIGITS) {
        return absent;
      }
      return wholeDigits <= 0 ? 0L : (Object) number.toBigInteger().longValueExact();
    } catch (NumberFormatException | ArithmeticException e) {
      return absent;
    }
  }

  private static Object toFloat(Object value, Arguments arguments, Run run) {
    Object absent = arguments.bind("float", "default").value(0, 0.0);
    if (Values.isNumber(value)) {
      return Values.number(value);
    }
    String text = Values.isString(value) ? PythonText.strip(Values.text(value)) : "";
    // Java also reads "1f" and "0x1p3", which Python does not.
    boolean isPlain =
        text.matches("[-+]?(\\d+(_\\d+)*\\.?(\\d+(_\\d+)*)?|\\.\\d+(_\\d+)*)([eE][-+]?\\d+)?");
    return isPlain ? (Object) Double.valueOf(text.replace("_", "")) : absent;
  }

  private static Object round(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("round", "precision", "method");
    if (!Values.isNumber(value)) {
      throw Values.wrongType(value, "round", "a number");
    }
    int digits = (int) Math.max(-300, Math.min(300, bound.integer(0, 0)));
    double scale = Math.pow(10, digits);
    double number = Values.number(value);
    String method = bound.text(1, "common");
    return switch (method) {
      case "common" ->
          value instanceof Double
              ? (Object) Arithmetic.round(number, digits)
              : (Object) (long) Arithmetic.round(number, Math.min(0, digits));
      case "ceil" -> Math.ceil(number * scale) / scale;
      case "floor" -> Math.floor(number * scale) / scale;
      default -> throw new TemplateException("round() has no method '" + method + "'");
    };
  }

  private static Object sum(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("sum", "attribute", "start");
    Object total = bound.value(1, 0L);
    AttributePath path = AttributePath.of(bound.value(0, null));
    for (Object item : Values.list(value)) {
      total = Arithmetic.ADD.apply(total, path.of(item, null));
    }
    return total;
  }
}

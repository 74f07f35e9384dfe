package dev.collimate.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic operators. */
enum Arithmetic {
  ADD("+") {
    @Override
    Object of(Object a, Object b) {
      if (Values.isString(a) && Values.isString(b)) {
        return addTexts(a, b);
      } else if (a instanceof List<?> left
          && b instanceof List<?> right
          && left instanceof Tuple == right instanceof Tuple) {
        checkItems((long) left.size() + right.size());
        List<Object> sum = new ArrayList<>(left);
        sum.addAll(right);
        return left instanceof Tuple ? new Tuple(sum) : sum;
      }
      requireNumbers(a, b);
      return isWhole(a, b) ? (Object) Math.addExact(whole(a), whole(b)) : real(a) + real(b);
    }
  },
  SUBTRACT("-") {
    @Override
    Object of(Object a, Object b) {
      requireNumbers(a, b);
      return isWhole(a, b) ? (Object) Math.subtractExact(whole(a), whole(b)) : real(a) - real(b);
    }
  },
  MULTIPLY("*") {
    @Override
    Object of(Object a, Object b) {
      if (b instanceof Long times && (Values.isString(a) || a instanceof List)) {
        return repeat(a, Math.max(0, times));
      } else if (a instanceof Long times && (Values.isString(b) || b instanceof List)) {
        return repeat(b, Math.max(0, times));
      }
      requireNumbers(a, b);
      return isWhole(a, b) ? (Object) Math.multiplyExact(whole(a), whole(b)) : real(a) * real(b);
    }
  },
  DIVIDE("/") {
    @Override
    Object of(Object a, Object b) {
      requireNumbers(a, b);
      requireNonZero(b);
      return real(a) / real(b);
    }
  },
  FLOOR_DIVIDE("//") {
    @Override
    Object of(Object a, Object b) {
      requireNumbers(a, b);
      requireNonZero(b);
      return isWhole(a, b)
          ? (Object) Math.floorDiv(whole(a), whole(b))
          : Math.floor(real(a) / real(b));
    }
  },
  MODULO("%") {
    @Override
    Object of(Object a, Object b) {
      if (Values.isString(a)) {
        return TextFormat.percent(Values.text(a), b);
      }
      requireNumbers(a, b);
      requireNonZero(b);
      if (isWhole(a, b)) {
        return Math.floorMod(whole(a), whole(b));
      }
      double rest = real(a) % real(b);
      return rest != 0 && (rest < 0) != (real(b) < 0) ? rest + real(b) : rest;
    }
  },
  POWER("**") {
    @Override
    Object of(Object a, Object b) {
      requireNumbers(a, b);
      if (!isWhole(a, b) || whole(b) < 0) {
        return Math.pow(real(a), real(b));
      }
      return power(whole(a), whole(b));
    }
  };

  /** No list may grow beyond this. */
  static final int MAX_ITEMS = 1 << 20;

  private final String symbol;

  Arithmetic(String symbol) {
    this.symbol = symbol;
  }

  abstract Object of(Object a, Object b);

  /** The operation; integers beyond 64 bits are an error. */
  final Object apply(Object a, Object b) {
    try {
      return of(a, b);
    } catch (ArithmeticException e) {
      throw new TemplateException("integers beyond 64 bits are not supported");
    }
  }

  static Object negate(Object value) {
    return SUBTRACT.apply(0L, value);
  }

  /** Python's {@code round}: to the nearest, halves to the even neighbour, on the exact value. */
  static double round(double value, int digits) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return value;
    }
    return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).doubleValue();
  }

  private static Object addTexts(Object a, Object b) {
    PythonText.checkLength((long) Values.text(a).length() + Values.text(b).length());
    if (a instanceof Markup || b instanceof Markup) {
      return new Markup(escaped(a) + escaped(b));
    }
    return Values.text(a).concat(Values.text(b));
  }

  private static String escaped(Object value) {
    return value instanceof Markup m ? m.text() : Markup.escape(Values.text(value));
  }

  private static Object repeat(Object value, long times) {
    if (value instanceof List<?> list) {
      checkItems(Math.multiplyExact(list.size(), times));
      List<Object> repeated = new ArrayList<>();
      for (long i = 0; i < times && !list.isEmpty(); i++) {
        repeated.addAll(list);
      }
      return value instanceof Tuple ? new Tuple(repeated) : repeated;
    }
    String text = Values.text(value);
    PythonText.checkLength(Math.multiplyExact(text.length(), times));
    String repeated = text.repeat((int) (text.isEmpty() ? 0 : times));
    return value instanceof Markup ? new Markup(repeated) : repeated;
  }

  static void checkItems(long items) {
    if (items > MAX_ITEMS) {
      throw new TemplateException(
          "a list of %d items is longer than a template may make (%d)".formatted(items, MAX_ITEMS));
    }
  }

  void requireNumbers(Object a, Object b) {
    if (a instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (b instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!Values.isNumber(a) || !Values.isNumber(b)) {
      throw new TemplateException(
          "unsupported operand types for %s: '%s' and '%s'"
              .formatted(symbol, Values.typeName(a), Values.typeName(b)));
    }
  }

  private static void requireNonZero(Object divisor) {
    if (Values.number(divisor) == 0) {
      throw new TemplateException("division by zero");
    }
  }

  private static long power(long base, long exponent) {
    if (Math.abs(base) <= 1) {
      return exponent % 2 == 0 && (base != 0 || exponent == 0) ? 1 : base;
    }
    long power = 1;
    for (long i = 0; i < exponent; i++) {
      power = Math.multiplyExact(power, base);
    }
    return power;
  }

  private static boolean isWhole(Object a, Object b) {
    return !(a instanceof Double) && !(b instanceof Double);
  }

  private static long whole(Object value) {
    return Values.integer(value, "arithmetic");
  }

  private static double real(Object value) {
    return Values.number(value);
  }
}

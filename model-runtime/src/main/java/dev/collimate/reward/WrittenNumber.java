package dev.collimate.reward;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number as people write it.
 *
 * @param value as it stands: 50 for 50 %; to 34 digits where it is a fraction
 */
record WrittenNumber(BigDecimal value, boolean isPercent) {

  /** Larger powers of ten would make sums of unbounded length. */
  private static final int MOST_EXPONENT = 400;

  private static final String DIGITS =
      "(?:[0-9]{1,3}(?:,[0-9]{3}){1,99}|[0-9]{1,2}(?:,[0-9]{2}){1,99},[0-9]{3}|[0-9]{1,999})";

  private static final String PLAIN =
      "(?:%s(?:\\.[0-9]{1,999})?|(?<![A-Za-z0-9)}])\\.[0-9]{1,999})".formatted(DIGITS);

  private static final Pattern NUMBER =
      Pattern.compile(
          // No part of a name, an index, an exponent, a version or a date.
          "(?<![A-Za-z0-9])(?<![0-9][./])(?<![A-Za-z0-9}]_)(?<!_\\{)(?<!\\^)(?<!\\^[-+{])(?<!\\^\\{[-+])"
              + "(?<sign>(?<![A-Za-z0-9)}%])(?<![0-9)}%] )[-+])?(?:[$€£¥₹] ?)?(?<inner>(?<=[$€£¥₹] ?)[-+])?"
              + "(?:(?<whole>[0-9]{1,999}) (?=[0-9]+/))?"
              + "(?<number>"
              + PLAIN
              + ")"
              + "(?![0-9]|\\.[0-9])"
              + "(?:[eE](?<exponent>[-+]?[0-9]{1,9})(?![0-9A-Za-z]))?"
              + "(?: ?/ ?(?<denominator>"
              + DIGITS
              + "(?:\\.[0-9]{1,999})?)(?![0-9/]|\\.[0-9]))?"
              + "(?! ?/ ?[0-9])"
              + "(?: ?\\^ ?\\{? ?(?<power>[-+]?[0-9]{1,9}) ?\\}?)?"
              + "(?: ?(?:\\\\times|\\\\cdot|[x×*·]) ?10 ?\\^ ?\\{? ?(?<ten>[-+]?[0-9]{1,9}) ?\\}?)?"
              + "(?<percent> ?(?:%|percent\\b|per cent\\b|pct\\b))?");

  /** The numbers of a text, in order. What only looks like one is left out. */
  static List<WrittenNumber> all(String text, boolean decimalComma) {
    List<WrittenNumber> numbers = new ArrayList<>();
    Matcher matcher = NUMBER.matcher(PlainText.of(text, decimalComma));
    while (matcher.find()) {
      value(matcher)
          .ifPresent(
              value -> numbers.add(new WrittenNumber(value, matcher.group("percent") != null)));
    }
    return numbers;
  }

  private static Optional<BigDecimal> value(Matcher matcher) {
    BigDecimal value = plain(matcher.group("number"));
    if (matcher.group("denominator") != null) {
      BigDecimal denominator = plain(matcher.group("denominator"));
      if (denominator.signum() == 0) {
        return Optional.empty();
      }
      value = value.divide(denominator, MathContext.DECIMAL128);
    }
    // 3 1/2 is a number, 3 5/2 are two.
    if (matcher.group("whole") != null && value.compareTo(BigDecimal.ONE) < 0) {
      value = value.add(plain(matcher.group("whole")));
    }
    int shift = exponent(matcher, "exponent") + exponent(matcher, "ten");
    int power = matcher.group("power") == null ? 1 : exponent(matcher, "power");
    if (Math.abs(shift) > MOST_EXPONENT || Math.abs(power) > MOST_EXPONENT) {
      return Optional.empty();
    }
    if (power != 1) {
      if (value.signum() == 0 && power < 0) {
        return Optional.empty();
      }
      value = value.pow(power, MathContext.DECIMAL128);
    }
    boolean isNegative = "-".equals(matcher.group("sign")) ^ "-".equals(matcher.group("inner"));
    value = value.scaleByPowerOfTen(shift);
    return Optional.of(isNegative ? value.negate() : value);
  }

  private static int exponent(Matcher matcher, String group) {
    String text = matcher.group(group);
    return text == null ? 0 : Integer.parseInt(text);
  }

  private static BigDecimal plain(String digits) {
    return new BigDecimal(digits.replace(",", ""));
  }
}

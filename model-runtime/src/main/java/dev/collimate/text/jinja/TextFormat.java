package dev.collimate.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's two ways to format: {@code "%s" % value} and {@code "{}".format(value)}. */
final class TextFormat {

  private static final Pattern PERCENT =
      Pattern.compile(
          "%(?:\\((?<key>[^)]*)\\))?(?<flags>[-+ 0#]*)(?<width>\\d*)(?:\\.(?<precision>\\d+))?(?<type>.)",
          Pattern.DOTALL);

  private static final Pattern FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{([^{}]*)\\}|[{}]");

  private static final Pattern SPECIFICATION =
      Pattern.compile(
          "(?:(?<fill>.)?(?<align>[<>^]))?(?<sign>[-+ ])?(?<zero>0)?(?<width>\\d*)(?:\\.(?<precision>\\d+))?(?<type>[sdf])?",
          Pattern.DOTALL);

  /** No double has more digits after its point. */
  private static final int MAX_DECIMALS = 1074;

  private TextFormat() {}

  /** {@code format % values}: one value, a tuple of them, or a dict for named ones. */
  static String percent(String format, Object values) {
    List<?> items = values instanceof Tuple tuple ? tuple : Collections.singletonList(values);
    StringBuilder out = new StringBuilder();
    Matcher matcher = PERCENT.matcher(format);
    int position = 0;
    int used = 0;
    while (matcher.find()) {
      out.append(format, position, matcher.start());
      position = matcher.end();
      if (matcher.group("type").equals("%")) {
        out.append('%');
        continue;
      }
      Object value;
      if (matcher.group("key") != null) {
        value = Access.item(values, matcher.group("key"));
      } else if (used < items.size()) {
        value = items.get(used++);
      } else {
        throw new TemplateException("not enough arguments for format string");
      }
      String flags = matcher.group("flags");
      String text = converted(value, matcher.group("type").charAt(0), matcher.group("precision"));
      if (flags.contains("+") && Values.isNumber(value) && !text.startsWith("-")) {
        text = "+" + text;
      }
      char align = flags.contains("-") ? '<' : '>';
      boolean fillsZeros = flags.contains("0") && align == '>' && Values.isNumber(value);
      out.append(padded(text, matcher.group("width"), align, fillsZeros ? "0" : " "));
      PythonText.checkLength(out.length());
    }
    if (used < items.size() && !(values instanceof Map)) {
      throw new TemplateException("not all arguments converted during string formatting");
    }
    return PythonText.checked(out.append(format.substring(position)).toString());
  }

  private static String converted(Object value, char type, String precision) {
    return switch (type) {
      case 's' -> cut(Values.text(value), precision);
      case 'r' -> cut(Values.repr(value), precision);
      case 'd', 'i', 'u' ->
          Long.toString(
              value instanceof Double d ? d.longValue() : Values.integer(value, "%" + type));
      case 'f', 'F' -> fixed(value, precision);
      case 'x' -> Long.toHexString(Values.integer(value, "%x"));
      default -> throw new TemplateException("the format '%" + type + "' is not supported");
    };
  }

  private static String cut(String text, String precision) {
    return precision == null
        ? text
        : (String) Access.slice(text, null, (long) size(precision), null);
  }

  /** A width or precision as written. */
  private static int size(String digits) {
    try {
      int size = Integer.parseInt(digits);
      PythonText.checkLength(size);
      return size;
    } catch (NumberFormatException e) {
      throw new TemplateException("a width or precision of a format is beyond 32 bits");
    }
  }

  private static String fixed(Object value, String precision) {
    if (!Values.isNumber(value)) {
      throw Values.wrongType(value, "the format 'f'", "a number");
    }
    double number = Values.number(value);
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      return PythonFloat.repr(number);
    }
    int digits = precision == null ? 6 : size(precision);
    return new BigDecimal(number)
            .setScale(Math.min(digits, MAX_DECIMALS), RoundingMode.HALF_EVEN)
            .toPlainString()
        + "0".repeat(Math.max(0, digits - MAX_DECIMALS));
  }

  private static String padded(String text, String width, char align, String fill) {
    if (width == null || width.isEmpty()) {
      return text;
    }
    int missing = Math.max(0, size(width) - PythonText.length(text));
    if (fill.equals("0") && align == '>' && (text.startsWith("-") || text.startsWith("+"))) {
      return text.charAt(0) + fill.repeat(missing) + text.substring(1);
    }
    int left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
    return fill.repeat(left) + text + fill.repeat(missing - left);
  }

  /** {@code self.format(...)} with plain fields: no attributes, items or conversions. */
  static Object format(String self, Arguments arguments) {
    StringBuilder out = new StringBuilder();
    Matcher matcher = FIELD.matcher(self);
    int position = 0;
    int automatic = 0;
    while (matcher.find()) {
      out.append(self, position, matcher.start());
      position = matcher.end();
      String field = matcher.group(1);
      if (field == null) {
        if (matcher.group().length() == 1) {
          throw new TemplateException("single '%s' in a format string".formatted(matcher.group()));
        }
        out.append(matcher.group().charAt(0));
        continue;
      }
      int colon = field.indexOf(':');
      String name = colon < 0 ? field : field.substring(0, colon);
      Object value = fieldValue(name.isEmpty() ? Integer.toString(automatic++) : name, arguments);
      out.append(colon < 0 ? Values.text(value) : specified(value, field.substring(colon + 1)));
      PythonText.checkLength(out.length());
    }
    return PythonText.checked(out.append(self.substring(position)).toString());
  }

  private static Object fieldValue(String name, Arguments arguments) {
    if (name.matches("\\d{1,6}")) {
      int index = Integer.parseInt(name);
      if (index < arguments.positional().size()) {
        return arguments.positional().get(index);
      }
      throw new TemplateException("format() has no argument " + index);
    }
    if (!name.matches("\\w+")) {
      throw new TemplateException("the format field '" + name + "' is not supported");
    }
    if (!arguments.keywords().containsKey(name)) {
      throw new TemplateException("format() has no argument '" + name + "'");
    }
    return arguments.keywords().get(name);
  }

  private static String specified(Object value, String specification) {
    Matcher matcher = SPECIFICATION.matcher(specification);
    if (!matcher.matches()) {
      throw new TemplateException("the format '" + specification + "' is not supported");
    }
    String type = matcher.group("type");
    boolean isNumber = Values.isNumber(value) && !(value instanceof Boolean);
    String text =
        type == null && !(isNumber && matcher.group("precision") != null)
            ? cut(Values.text(value), matcher.group("precision"))
            : converted(value, type == null ? 'f' : type.charAt(0), matcher.group("precision"));
    if ("+".equals(matcher.group("sign")) && isNumber && !text.startsWith("-")) {
      text = "+" + text;
    }
    String align = matcher.group("align");
    String fill = matcher.group("zero") != null ? "0" : matcher.group("fill");
    return padded(
        text,
        matcher.group("width"),
        align != null ? align.charAt(0) : isNumber ? '>' : '<',
        fill == null ? " " : fill);
  }
}

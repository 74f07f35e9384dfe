package dev.collimate.text.jinja;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.util.Locale;

/** C's {@code strftime} in the C locale. */
final class Strftime {

  private Strftime() {}

  static String format(LocalDateTime time, String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      boolean isUnpadded = directive == '-' && i + 1 < format.length();
      if (isUnpadded) {
        directive = format.charAt(++i);
      }
      String text = directive(time, directive);
      out.append(isUnpadded ? text.replaceFirst("^[0 ]+(?=.)", "") : text);
    }
    return out.toString();
  }

  private static String directive(LocalDateTime time, char directive) {
    return switch (directive) {
      case 'Y' -> Integer.toString(time.getYear());
      case 'y' -> two(time.getYear() % 100);
      case 'm' -> two(time.getMonthValue());
      case 'd' -> two(time.getDayOfMonth());
      case 'e' -> two(time.getDayOfMonth()).replaceFirst("^0", " ");
      case 'H' -> two(time.getHour());
      case 'I' -> two((time.getHour() + 11) % 12 + 1);
      case 'M' -> two(time.getMinute());
      case 'S' -> two(time.getSecond());
      case 'f' -> Integer.toString(1_000_000 + time.getNano() / 1000).substring(1);
      case 'j' -> Integer.toString(1000 + time.getDayOfYear()).substring(1);
      case 'p' -> time.getHour() < 12 ? "AM" : "PM";
      case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.US);
      case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.US);
      case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.US);
      case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.US);
      case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
      case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
      case 'F' -> format(time, "%Y-%m-%d");
      case 'D', 'x' -> format(time, "%m/%d/%y");
      case 'T', 'X' -> format(time, "%H:%M:%S");
      case 'R' -> format(time, "%H:%M");
      case 'c' -> format(time, "%a %b %e %H:%M:%S %Y");
      case 'n' -> "\n";
      case 't' -> "\t";
      case 'z', 'Z' -> "";
      case '%' -> "%";
      default ->
          throw new TemplateException("strftime_now() does not support '%" + directive + "'");
    };
  }

  private static String two(int number) {
    return (number < 10 ? "0" : "") + number;
  }
}

package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Strings as Python sees them: sequences of code points, with Python's blanks and notation. */
final class PythonText {

  /** No text may grow beyond this, so that a template cannot exhaust the memory. */
  static final int MAX_LENGTH = 1 << 24;

  private PythonText() {}

  static String checked(String text) {
    checkLength(text.length());
    return text;
  }

  static void checkLength(long length) {
    if (length > MAX_LENGTH) {
      throw new TemplateException(
          "a text of %d characters is longer than a template may make (%d)"
              .formatted(length, MAX_LENGTH));
    }
  }

  /** What {@code str.isspace} accepts. */
  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || c == 0xa0
        || (c > 0xff && (Character.isSpaceChar(c) || Character.isWhitespace(c)));
  }

  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  static String stripStart(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) {
      start++;
    }
    return text.substring(start);
  }

  static String strip(String text) {
    return stripStart(stripEnd(text));
  }

  /** The code points of a text as texts of their own. */
  static List<Object> characters(String text) {
    List<Object> characters = new ArrayList<>(text.length());
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** Splits at Python's line ends, which are not kept. */
  static List<String> lines(String text) {
    List<String> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (isLineEnd(c)) {
        lines.add(text.substring(start, i));
        if (c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
          i++;
        }
        start = i + 1;
      }
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private static boolean isLineEnd(char c) {
    return (c >= '\n' && c <= '\r')
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  /** {@code repr} of a text. */
  static String repr(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
    text.codePoints()
        .forEach(
            c -> {
              if (c == quote || c == '\\') {
                out.append('\\').appendCodePoint(c);
              } else if (c == '\n') {
                out.append("\\n");
              } else if (c == '\r') {
                out.append("\\r");
              } else if (c == '\t') {
                out.append("\\t");
              } else if (isPrintable(c)) {
                out.appendCodePoint(c);
              } else if (c < 0x100) {
                out.append("\\x%02x".formatted(c));
              } else if (c < 0x10000) {
                out.append("\\u%04x".formatted(c));
              } else {
                out.append("\\U%08x".formatted(c));
              }
            });
    return out.append(quote).toString();
  }

  static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  private static final Map<Character, String> ESCAPES =
      Map.ofEntries(
          Map.entry('\n', ""),
          Map.entry('\\', "\\"),
          Map.entry('\'', "'"),
          Map.entry('"', "\""),
          Map.entry('a', "\u0007"),
          Map.entry('b', "\b"),
          Map.entry('f', "\f"),
          Map.entry('n', "\n"),
          Map.entry('r', "\r"),
          Map.entry('t', "\t"),
          Map.entry('v', "\u000b"));

  /** The value of a string literal's inside, with Python's escapes. */
  static String unescape(String written, int line) {
    if (written.indexOf('\\') < 0) {
      return written;
    }
    StringBuilder out = new StringBuilder(written.length());
    for (int i = 0; i < written.length(); i++) {
      char c = written.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char escaped = written.charAt(++i);
      if (ESCAPES.containsKey(escaped)) {
        out.append(ESCAPES.get(escaped));
      } else if (escaped >= '0' && escaped <= '7') {
        int end = i + 1;
        while (end < Math.min(i + 3, written.length())
            && written.charAt(end) >= '0'
            && written.charAt(end) <= '7') {
          end++;
        }
        out.appendCodePoint(Integer.parseInt(written.substring(i, end), 8));
        i = end - 1;
      } else if (escaped == 'x' || escaped == 'u' || escaped == 'U') {
        int digits = escaped == 'x' ? 2 : escaped == 'u' ? 4 : 8;
        out.appendCodePoint(hexadecimal(written, i + 1, digits, line));
        i += digits;
      } else {
        out.append('\\').append(escaped);
      }
    }
    return out.toString();
  }

  private static int hexadecimal(String written, int start, int digits, int line) {
    try {
      int value = Integer.parseUnsignedInt(written.substring(start, start + digits), 16);
      if (Character.isValidCodePoint(value)) {
        return value;
      }
    } catch (NumberFormatException | StringIndexOutOfBoundsException e) {
      throw TemplateException.at(line, "bad escape in the string '" + written + "'");
    }
    throw TemplateException.at(line, "bad escape in the string '" + written + "'");
  }
}

package dev.collimate.text.jinja;

import java.util.Locale;

/**
 * A lexical unit of a template.
 *
 * @param text data, name, operator, number as written, or a string's value
 */
record Token(Kind kind, String text, int line) {

  enum Kind {
    DATA,
    VARIABLE_BEGIN,
    VARIABLE_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  /** The value of an integer, decimal or with one of Python's prefixes. */
  Long integer() {
    String digits = text.replace("_", "").toLowerCase(Locale.ROOT);
    int radix =
        digits.startsWith("0x")
            ? 16
            : digits.startsWith("0o") ? 8 : digits.startsWith("0b") ? 2 : 10;
    try {
      return Long.valueOf(radix == 10 ? digits : digits.substring(2), radix);
    } catch (NumberFormatException e) {
      throw TemplateException.at(line, "the integer " + digits + " is beyond 64 bits");
    }
  }

  /** The token as an error message shows it. */
  String describe() {
    return switch (kind) {
      case DATA -> "text";
      case VARIABLE_BEGIN -> "'{{'";
      case VARIABLE_END -> "'}}'";
      case BLOCK_BEGIN -> "'{%'";
      case BLOCK_END -> "'%}'";
      case END -> "the end of the template";
      case NAME, STRING, INTEGER, FLOAT, OPERATOR -> "'" + text + "'";
    };
  }
}

package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens, with {@code trim_blocks} (a newline after a block goes) and {@code
 * lstrip_blocks} (blanks between the line's start and a block go). One newline at the template's
 * end is not rendered.
 */
final class Lexer {

  // Python's \s and \d are Unicode's, so are these.
  private static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS | Pattern.DOTALL;

  private static final Pattern TAG = Pattern.compile("\\{[{%#]");
  private static final Pattern RAW_BEGIN =
      Pattern.compile("\\{%[-+]?\\s*raw\\s*(?:-%\\}\\s*|%\\})", FLAGS);
  private static final Pattern RAW_END =
      Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)", FLAGS);
  private static final Pattern COMMENT_END = Pattern.compile("\\+#\\}|-#\\}\\s*|#\\}\\n?", FLAGS);
  private static final Pattern BLOCK_END = Pattern.compile("\\+%\\}|-%\\}\\s*|%\\}\\n?", FLAGS);
  private static final Pattern VARIABLE_END = Pattern.compile("-\\}\\}\\s*|\\}\\}", FLAGS);

  private static final Pattern BLANKS = Pattern.compile("\\s+", FLAGS);

  /** Number, name, string or operator; the first that fits. */
  private static final Pattern TOKEN =
      Pattern.compile(
          "(?<float>(?<!\\.)(?:[0-9]+_)*[0-9]+(?:(?:\\.(?:[0-9]+_)*[0-9]+)?[eE][+-]?(?:[0-9]+_)*[0-9]+"
              + "|\\.(?:[0-9]+_)*[0-9]+))"
              + "|(?<integer>0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+"
              + "|[1-9](?:_?[0-9])*|0(?:_?0)*)"
              + "|(?<name>\\w+)"
              + "|(?<string>'[^'\\\\]*(?:\\\\.[^'\\\\]*)*'|\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*\")"
              + "|(?<operator>//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,;])",
          FLAGS);

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private boolean isLineStart = true;

  private Lexer(String source) {
    String unixLines = source.replace("\r\n", "\n").replace('\r', '\n');
    this.source =
        unixLines.endsWith("\n") ? unixLines.substring(0, unixLines.length() - 1) : unixLines;
  }

  static List<Token> tokens(String source) {
    return new Lexer(source).run();
  }

  /** Whether a tag of that name stands in the template. */
  static boolean hasTag(String source, String name) {
    List<Token> tokens = tokens(source);
    for (int i = 1; i < tokens.size(); i++) {
      if (tokens.get(i).isName(name) && tokens.get(i - 1).kind() == Kind.BLOCK_BEGIN) {
        return true;
      }
    }
    return false;
  }

  private List<Token> run() {
    Matcher tag = TAG.matcher(source);
    while (position < source.length()) {
      if (!tag.find(position)) {
        data(source.substring(position));
        break;
      }
      String text = source.substring(position, tag.start());
      Matcher raw = at(RAW_BEGIN, tag.start());
      String sign = signAt(tag.start() + 2);
      data(strip(text, sign, source.charAt(tag.start() + 1) == '{'));
      countLines(tag.start());
      if (raw.lookingAt()) {
        position = raw.end();
        raw();
      } else {
        position = tag.end() + sign.length();
        switch (source.charAt(tag.start() + 1)) {
          case '#' -> comment();
          case '%' -> expression(Kind.BLOCK_BEGIN, Kind.BLOCK_END, BLOCK_END);
          default -> expression(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, VARIABLE_END);
        }
      }
    }
    add(Kind.END, "");
    return tokens;
  }

  private String signAt(int index) {
    if (index < source.length() && (source.charAt(index) == '-' || source.charAt(index) == '+')) {
      return source.substring(index, index + 1);
    }
    return "";
  }

  /** The text before a tag, as the tag's sign and {@code lstrip_blocks} leave it. */
  private String strip(String text, String sign, boolean isVariable) {
    if (sign.equals("-")) {
      return PythonText.stripEnd(text);
    }
    if (sign.isEmpty() && !isVariable) {
      int lineStart = text.lastIndexOf('\n') + 1;
      if ((lineStart > 0 || isLineStart) && BLANKS.matcher(text.substring(lineStart)).matches()) {
        return text.substring(0, lineStart);
      }
    }
    return text;
  }

  private void comment() {
    Matcher end = COMMENT_END.matcher(source);
    if (!end.find(position)) {
      throw TemplateException.at(line, "a comment ('{#') does not end");
    }
    endTag(end);
  }

  private void raw() {
    Matcher end = RAW_END.matcher(source);
    if (!end.find(position)) {
      throw TemplateException.at(line, "a raw block does not end");
    }
    isLineStart = false;
    data(strip(source.substring(position, end.start()), end.group(1), /* isVariable= */ false));
    endTag(end);
  }

  private void expression(Kind begin, Kind endKind, Pattern endPattern) {
    add(begin, "");
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      Matcher end = at(endPattern, position);
      if (open.isEmpty() && end.lookingAt()) {
        add(endKind, "");
        endTag(end);
        return;
      }
      if (position >= source.length()) {
        throw TemplateException.at(line, "a tag does not end");
      }
      Matcher blanks = at(BLANKS, position);
      if (blanks.lookingAt()) {
        advance(blanks);
      } else {
        token(open);
      }
    }
  }

  private void token(Deque<Character> open) {
    Matcher match = at(TOKEN, position);
    if (!match.lookingAt()) {
      throw TemplateException.at(
          line, "unexpected character '" + Character.toString(source.codePointAt(position)) + "'");
    }
    String text = match.group();
    if (match.group("string") != null) {
      add(Kind.STRING, PythonText.unescape(text.substring(1, text.length() - 1), line));
    } else if (match.group("operator") != null) {
      balance(open, text.charAt(0));
      add(Kind.OPERATOR, text);
    } else if (match.group("name") != null) {
      add(Kind.NAME, text);
    } else {
      add(match.group("float") != null ? Kind.FLOAT : Kind.INTEGER, text);
    }
    advance(match);
  }

  private void balance(Deque<Character> open, char operator) {
    switch (operator) {
      case '(' -> open.push(')');
      case '[' -> open.push(']');
      case '{' -> open.push('}');
      case ')', ']', '}' -> {
        if (open.isEmpty() || open.pop() != operator) {
          throw TemplateException.at(line, "unexpected '" + operator + "'");
        }
      }
      default -> {}
    }
  }

  private Matcher at(Pattern pattern, int start) {
    // Transparent bounds let the float's look-behind see the character before it.
    return pattern.matcher(source).region(start, source.length()).useTransparentBounds(true);
  }

  private void endTag(Matcher end) {
    advance(end);
    isLineStart = source.charAt(position - 1) == '\n';
  }

  private void advance(Matcher match) {
    countLines(match.end());
    position = match.end();
  }

  private void countLines(int to) {
    for (int i = position; i < to; i++) {
      line += source.charAt(i) == '\n' ? 1 : 0;
    }
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      add(Kind.DATA, text);
    }
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }
}

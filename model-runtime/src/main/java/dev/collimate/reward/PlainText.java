package dev.collimate.reward;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Text with its numbers in one spelling: ASCII digits, a point before decimals, no LaTeX. */
final class PlainText {

  private static final Map<Character, String> CHARACTERS =
      Map.ofEntries(
          Map.entry('−', "-"),
          Map.entry('–', "-"),
          Map.entry('‑', "-"),
          Map.entry('－', "-"),
          Map.entry('％', "%"),
          Map.entry('٫', "."),
          Map.entry('٬', ","),
          Map.entry('⁄', "/"),
          Map.entry('½', " 1/2"),
          Map.entry('⅓', " 1/3"),
          Map.entry('⅔', " 2/3"),
          Map.entry('¼', " 1/4"),
          Map.entry('¾', " 3/4"),
          Map.entry('⅕', " 1/5"),
          Map.entry('⅛', " 1/8"));

  private record Spelling(Pattern pattern, String replacement) {
    Spelling(String regex, String replacement) {
      this(Pattern.compile(regex), replacement);
    }
  }

  private static final List<Spelling> SPELLINGS =
      List.of(
          // What separates thousands only: thin and unbreakable spaces, apostrophes.
          new Spelling(
              "(?<=[0-9])(?:[\\u00a0\\u202f\\u2009'’]|\\\\,|\\{,\\})(?=[0-9]{3}(?![0-9]))", ","),
          new Spelling("\\\\!", ""),
          new Spelling("\\\\[,;: ]", " "),
          new Spelling("\\{([.,])\\}", "$1"),
          new Spelling("\\\\([$%])", "$1"),
          new Spelling("\\\\(?:left|right)(?![A-Za-z])", ""),
          new Spelling("\\\\(?:text|mathrm|textbf|mathbf|mbox)\\s*\\{([^{}]*)\\}", " $1 "),
          new Spelling("(\\\\(?![dtc]?frac)[A-Za-z]+)(?=[0-9])", "$1 "),
          new Spelling("\\s", " "));

  private static final String PART = "\\s*(?:\\{\\s*([^{}]*?)\\s*\\}|([0-9]))";

  private static final Pattern FRACTION = Pattern.compile("\\\\[dtc]?frac" + PART + PART);

  private static final Pattern PLAIN = Pattern.compile("-?[0-9]+(?:[.,][0-9]+)*");

  private PlainText() {}

  static String of(String given, boolean decimalComma) {
    String text = decimalComma ? swapped(given) : given;
    StringBuilder plain = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      String known = CHARACTERS.get(c);
      if (known != null) {
        boolean isMixed = i > 0 && Character.isDigit(text.charAt(i - 1));
        plain.append(isMixed || known.length() < 2 ? known : known.substring(1));
      } else if (Character.isDigit(c)) {
        plain.append((char) ('0' + Character.digit(c, 10)));
      } else {
        plain.append(c);
      }
    }
    String spelled = plain.toString();
    for (Spelling spelling : SPELLINGS) {
      spelled = spelling.pattern().matcher(spelled).replaceAll(spelling.replacement());
    }
    return withoutFractions(spelled);
  }

  /** Points for commas and the other way round. */
  private static String swapped(String text) {
    StringBuilder swapped = new StringBuilder(text);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == ',' || c == '.') {
        swapped.setCharAt(i, c == ',' ? '.' : ',');
      }
    }
    return swapped.toString();
  }

  /** {@code \frac{a}{b}} as {@code a/b}; where one is no number the whole is none. */
  private static String withoutFractions(String text) {
    return FRACTION
        .matcher(text)
        .replaceAll(
            found -> {
              String numerator = part(found.group(1), found.group(2));
              String denominator = part(found.group(3), found.group(4));
              boolean isMixed =
                  found.start() > 0 && Character.isDigit(text.charAt(found.start() - 1));
              boolean isPlain =
                  PLAIN.matcher(numerator).matches() && PLAIN.matcher(denominator).matches();
              String plain = isPlain ? numerator + "/" + denominator : " ? ";
              return Matcher.quoteReplacement(isMixed ? " " + plain : plain);
            });
  }

  private static String part(String braced, String single) {
    return braced == null ? single : braced;
  }
}

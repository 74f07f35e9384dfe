package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/** The methods of Python's strings. */
final class StringMethods {

  private interface Method {
    Object call(String self, Arguments arguments);
  }

  private static final Map<String, Method> METHODS =
      Map.ofEntries(
          Map.entry("capitalize", plain("capitalize", StringMethods::capitalize)),
          Map.entry(
              "casefold",
              plain("casefold", s -> s.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT))),
          Map.entry("center", (s, a) -> padded(s, a, "center")),
          Map.entry("count", (s, a) -> count(s, a.bind("count", "sub").text(0))),
          Map.entry("endswith", (s, a) -> affix(s, a, "endswith")),
          Map.entry("find", (s, a) -> found(s, a, "find")),
          Map.entry("format", TextFormat::format),
          Map.entry("index", (s, a) -> found(s, a, "index")),
          Map.entry("isalnum", all("isalnum", c -> Character.isLetter(c) || isNumeric(c))),
          Map.entry("isalpha", all("isalpha", Character::isLetter)),
          Map.entry("isascii", plain("isascii", s -> s.chars().allMatch(c -> c < 0x80))),
          Map.entry("isdecimal", all("isdecimal", Character::isDigit)),
          Map.entry("isdigit", all("isdigit", Character::isDigit)),
          Map.entry("islower", plain("islower", StringMethods::isLower)),
          Map.entry("isnumeric", all("isnumeric", StringMethods::isNumeric)),
          Map.entry("isspace", all("isspace", PythonText::isSpace)),
          Map.entry("isupper", plain("isupper", StringMethods::isUpper)),
          Map.entry("join", StringMethods::join),
          Map.entry("ljust", (s, a) -> padded(s, a, "ljust")),
          Map.entry("lower", plain("lower", s -> s.toLowerCase(Locale.ROOT))),
          Map.entry("lstrip", (s, a) -> strip(s, a, "lstrip")),
          Map.entry("partition", (s, a) -> partition(s, a, "partition")),
          Map.entry("removeprefix", (s, a) -> removed(s, a, "removeprefix")),
          Map.entry("removesuffix", (s, a) -> removed(s, a, "removesuffix")),
          Map.entry("replace", StringMethods::replace),
          Map.entry("rfind", (s, a) -> found(s, a, "rfind")),
          Map.entry("rindex", (s, a) -> found(s, a, "rindex")),
          Map.entry("rjust", (s, a) -> padded(s, a, "rjust")),
          Map.entry("rpartition", (s, a) -> partition(s, a, "rpartition")),
          Map.entry("rsplit", (s, a) -> split(s, a, "rsplit")),
          Map.entry("rstrip", (s, a) -> strip(s, a, "rstrip")),
          Map.entry("split", (s, a) -> split(s, a, "split")),
          Map.entry("splitlines", StringMethods::splitLines),
          Map.entry("startswith", (s, a) -> affix(s, a, "startswith")),
          Map.entry("strip", (s, a) -> strip(s, a, "strip")),
          Map.entry("swapcase", plain("swapcase", StringMethods::swapCase)),
          Map.entry("title", plain("title", StringMethods::title)),
          Map.entry("upper", plain("upper", s -> s.toUpperCase(Locale.ROOT))),
          Map.entry("zfill", (s, a) -> padded(s, a, "zfill")));

  private StringMethods() {}

  /** A method bound to its string, or Java's null. */
  static Callable find(String self, String name) {
    Method method = METHODS.get(name);
    return method == null ? null : arguments -> method.call(self, arguments);
  }

  private interface Plain {
    Object of(String self);
  }

  private static Method plain(String name, Plain function) {
    return (self, arguments) -> {
      arguments.bind(name);
      return function.of(self);
    };
  }

  private static Method all(String name, IntPredicate predicate) {
    return plain(name, self -> !self.isEmpty() && self.codePoints().allMatch(predicate));
  }

  private static boolean isNumeric(int c) {
    return switch (Character.getType(c)) {
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
      default -> false;
    };
  }

  static boolean isLower(String s) {
    return s.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c))
        && s.codePoints().anyMatch(Character::isLowerCase);
  }

  static boolean isUpper(String s) {
    return s.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c))
        && s.codePoints().anyMatch(Character::isUpperCase);
  }

  static String capitalize(String s) {
    if (s.isEmpty()) {
      return s;
    }
    int first = s.offsetByCodePoints(0, 1);
    int titled = Character.toTitleCase(s.codePointAt(0));
    return Character.toString(titled) + s.substring(first).toLowerCase(Locale.ROOT);
  }

  private static String title(String s) {
    StringBuilder out = new StringBuilder(s.length());
    boolean[] insideWord = {false};
    s.codePoints()
        .forEach(
            c -> {
              out.appendCodePoint(
                  insideWord[0] ? Character.toLowerCase(c) : Character.toTitleCase(c));
              insideWord[0] =
                  Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
            });
    return out.toString();
  }

  private static String swapCase(String s) {
    return s.codePoints()
        .mapToObj(
            c ->
                Character.isUpperCase(c)
                    ? Character.toString(c).toLowerCase(Locale.ROOT)
                    : Character.toString(c).toUpperCase(Locale.ROOT))
        .collect(Collectors.joining());
  }

  private static Object strip(String self, Arguments arguments, String name) {
    Object characters = arguments.bind(name, "chars").value(0, null);
    return strip(self, characters, !name.equals("rstrip"), !name.equals("lstrip"));
  }

  /**
   * Strips characters from the ends.
   *
   * @param characters a string whose characters go, or None for blanks
   */
  static String strip(String self, Object characters, boolean atStart, boolean atEnd) {
    IntPredicate goes = PythonText::isSpace;
    if (characters != null) {
      String set = Values.string(characters, "strip()");
      goes = c -> set.indexOf(c) >= 0;
    }
    int start = 0;
    int end = self.length();
    while (atStart && start < end && goes.test(self.codePointAt(start))) {
      start += Character.charCount(self.codePointAt(start));
    }
    while (atEnd && end > start && goes.test(self.codePointBefore(end))) {
      end -= Character.charCount(self.codePointBefore(end));
    }
    return self.substring(start, end);
  }

  private static long count(String self, String part) {
    if (part.isEmpty()) {
      return PythonText.length(self) + 1L;
    }
    long count = 0;
    for (int at = self.indexOf(part); at >= 0; at = self.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  private static Object found(String self, Arguments arguments, String name) {
    Arguments.Bound bound = arguments.bind(name, "sub", "start", "end");
    int size = PythonText.length(self);
    int start = index(self, size, bound.integer(1, 0));
    int end = index(self, size, bound.integer(2, size));
    String part = bound.text(0);
    int at =
        name.startsWith("r")
            ? self.lastIndexOf(part, end - part.length())
            : self.indexOf(part, start);
    boolean isFound = at >= start && at + part.length() <= end;
    if (!isFound && name.endsWith("index")) {
      throw new TemplateException("substring not found");
    }
    return isFound ? (long) self.codePointCount(0, at) : -1L;
  }

  private static int index(String self, int size, long given) {
    long index = given < 0 ? given + size : given;
    return self.offsetByCodePoints(0, (int) Math.max(0, Math.min(size, index)));
  }

  private static Object affix(String self, Arguments arguments, String name) {
    Arguments.Bound bound = arguments.bind(name, "affix", "start", "end");
    int size = PythonText.length(self);
    int start = index(self, size, bound.integer(1, 0));
    int end = Math.max(start, index(self, size, bound.integer(2, size)));
    String part = self.substring(start, end);
    Object affix = bound.required(0);
    List<?> candidates = affix instanceof Tuple tuple ? tuple : List.of(Values.string(affix, name));
    return candidates.stream()
        .map(candidate -> Values.string(candidate, name))
        .anyMatch(
            candidate ->
                name.equals("startswith") ? part.startsWith(candidate) : part.endsWith(candidate));
  }

  private static Object removed(String self, Arguments arguments, String name) {
    String affix = arguments.bind(name, "affix").text(0);
    if (name.equals("removeprefix")) {
      return self.startsWith(affix) ? self.substring(affix.length()) : self;
    }
    return self.endsWith(affix) ? self.substring(0, self.length() - affix.length()) : self;
  }

  private static Object replace(String self, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("replace", "old", "new", "count");
    return replace(self, bound.text(0), bound.text(1), bound.integer(2, -1));
  }

  /** Replaces the first {@code count} occurrences; all of them where it is negative. */
  static String replace(String self, String old, String replacement, long count) {
    long occurrences = count(self, old);
    long replaced = count < 0 ? occurrences : Math.min(count, occurrences);
    PythonText.checkLength(self.length() + replaced * (replacement.length() - old.length()));
    StringBuilder out = new StringBuilder();
    int position = 0;
    for (long i = 0; i < replaced; i++) {
      int at = self.indexOf(old, position);
      if (old.isEmpty() && i > 0) {
        // Between all characters: each replacement is followed by the next character.
        at = self.offsetByCodePoints(position, 1);
      }
      out.append(self, position, at).append(replacement);
      position = at + old.length();
    }
    return out.append(self, position, self.length()).toString();
  }

  private static Object join(String self, Arguments arguments) {
    List<Object> items = Values.list(arguments.bind("join", "iterable").required(0));
    long length = 0;
    for (Object item : items) {
      length += Values.string(item, "join()").length() + self.length();
      PythonText.checkLength(length);
    }
    return items.stream().map(Values::text).collect(Collectors.joining(self));
  }

  private static Object padded(String self, Arguments arguments, String name) {
    boolean fillsZeros = name.equals("zfill");
    Arguments.Bound bound =
        fillsZeros ? arguments.bind(name, "width") : arguments.bind(name, "width", "fillchar");
    long width = bound.integer(0, 0);
    PythonText.checkLength(width);
    int missing = (int) Math.max(0, width - PythonText.length(self));
    String fill = fillsZeros ? "0" : bound.text(1, " ");
    if (PythonText.length(fill) != 1) {
      throw new TemplateException("the fill character must be exactly one character long");
    }
    return switch (name) {
      case "ljust" -> self + fill.repeat(missing);
      case "rjust" -> fill.repeat(missing) + self;
      case "center" -> center(self, missing, (int) width, fill);
      default -> {
        boolean isSigned = self.startsWith("-") || self.startsWith("+");
        yield isSigned
            ? self.charAt(0) + fill.repeat(missing) + self.substring(1)
            : fill.repeat(missing) + self;
      }
    };
  }

  /** Python puts the odd blank on the left only where the width is odd too. */
  private static String center(String self, int missing, int width, String fill) {
    int left = missing / 2 + (missing & width & 1);
    return fill.repeat(left) + self + fill.repeat(missing - left);
  }

  static String centered(String self, long width) {
    return (String) padded(self, new Arguments(List.of(width), Map.of()), "center");
  }

  private static Object partition(String self, Arguments arguments, String name) {
    String separator = arguments.bind(name, "sep").text(0);
    boolean fromEnd = name.equals("rpartition");
    int at = fromEnd ? self.lastIndexOf(separator) : self.indexOf(separator);
    if (at < 0) {
      return fromEnd ? Tuple.of("", "", self) : Tuple.of(self, "", "");
    }
    return Tuple.of(self.substring(0, at), separator, self.substring(at + separator.length()));
  }

  private static Object splitLines(String self, Arguments arguments) {
    if (arguments.bind("splitlines", "keepends").truth(0)) {
      throw new TemplateException("splitlines(keepends=True) is not supported");
    }
    return new ArrayList<Object>(PythonText.lines(self));
  }

  private static Object split(String self, Arguments arguments, String name) {
    Arguments.Bound bound = arguments.bind(name, "sep", "maxsplit");
    long most = bound.integer(1, -1);
    return new ArrayList<Object>(
        TextSplit.split(self, bound.value(0, null), most, name.equals("rsplit")));
  }
}

package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Filters.Filter;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Filters that give texts. */
final class TextFilters {

  private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern WORD_START =
      Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);

  static final Map<String, Filter> ALL =
      Map.ofEntries(
          Map.entry("capitalize", plain("capitalize", StringMethods::capitalize)),
          Map.entry("center", TextFilters::center),
          Map.entry("e", (value, arguments, run) -> escape(value)),
          Map.entry("escape", (value, arguments, run) -> escape(value)),
          Map.entry("forceescape", (v, a, run) -> new Markup(Markup.escape(Values.text(v)))),
          Map.entry("format", TextFilters::format),
          Map.entry("indent", TextFilters::indent),
          Map.entry("lower", plain("lower", s -> s.toLowerCase(Locale.ROOT))),
          Map.entry("replace", TextFilters::replace),
          Map.entry("safe", (value, arguments, run) -> new Markup(Values.text(value))),
          Map.entry("string", (v, a, run) -> v instanceof Markup ? v : Values.text(v)),
          Map.entry("title", plain("title", TextFilters::title)),
          Map.entry("tojson", (value, arguments, run) -> Json.dumps(value, arguments)),
          Map.entry("trim", TextFilters::trim),
          Map.entry("truncate", TextFilters::truncate),
          Map.entry("upper", plain("upper", s -> s.toUpperCase(Locale.ROOT))),
          Map.entry("wordcount", (v, a, run) -> WORD.matcher(Values.text(v)).results().count()));

  private interface Plain {
    String of(String text);
  }

  private TextFilters() {}

  private static Filter plain(String name, Plain function) {
    return (value, arguments, run) -> {
      arguments.bind(name);
      return function.of(Values.text(value));
    };
  }

  private static Object escape(Object value) {
    return value instanceof Markup ? value : new Markup(Markup.escape(Values.text(value)));
  }

  private static Object center(Object value, Arguments arguments, Run run) {
    return StringMethods.centered(
        Values.text(value), arguments.bind("center", "width").integer(0, 80));
  }

  private static Object trim(Object value, Arguments arguments, Run run) {
    Object characters = arguments.bind("trim", "chars").value(0, null);
    return StringMethods.strip(
        Values.text(value), characters, /* atStart= */ true, /* atEnd= */ true);
  }

  private static Object replace(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("replace", "old", "new", "count");
    Object count = bound.value(2, null);
    return StringMethods.replace(
        Values.text(value),
        Values.text(bound.required(0)),
        Values.text(bound.required(1)),
        count == null ? -1 : Values.integer(count, "replace"));
  }

  private static Object format(Object value, Arguments arguments, Run run) {
    return TextFormat.percent(
        Values.text(value),
        arguments.keywords().isEmpty() ? new Tuple(arguments.positional()) : arguments.keywords());
  }

  private static String title(String text) {
    StringBuilder out = new StringBuilder();
    Matcher starts = WORD_START.matcher(text);
    int position = 0;
    while (starts.find()) {
      out.append(titleWord(text.substring(position, starts.start()))).append(starts.group());
      position = starts.end();
    }
    return out.append(titleWord(text.substring(position))).toString();
  }

  private static String titleWord(String word) {
    if (word.isEmpty()) {
      return word;
    }
    int first = word.offsetByCodePoints(0, 1);
    return word.substring(0, first).toUpperCase(Locale.ROOT)
        + word.substring(first).toLowerCase(Locale.ROOT);
  }

  private static Object indent(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("indent", "width", "first", "blank");
    Object width = bound.value(0, 4L);
    String indention =
        Values.isString(width)
            ? Values.text(width)
            : (String) Arithmetic.MULTIPLY.apply(" ", Values.integer(width, "indent"));
    StringBuilder indented = new StringBuilder();
    boolean isFirst = true;
    for (String line : PythonText.lines(Values.string(value, "indent") + "\n")) {
      boolean isIndented = isFirst ? bound.truth(1) : bound.truth(2) || !line.isEmpty();
      indented.append(isFirst ? "" : "\n").append(isIndented ? indention : "").append(line);
      PythonText.checkLength(indented.length());
      isFirst = false;
    }
    return indented.toString();
  }

  private static Object truncate(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("truncate", "length", "killwords", "end", "leeway");
    String text = Values.string(value, "truncate");
    String end = bound.text(2, "...");
    long length = bound.integer(0, 255);
    Object leeway = bound.value(3, null);
    if (length < end.length()) {
      throw new TemplateException(
          "truncate() needs a length of at least %d".formatted(end.length()));
    }
    if (PythonText.length(text)
        <= length + (leeway == null ? 5 : Values.integer(leeway, "truncate"))) {
      return text;
    }
    String cut = (String) Access.slice(text, null, length - PythonText.length(end), null);
    return (bound.truth(1) ? cut : TextSplit.split(cut, " ", 1, /* fromEnd= */ true).get(0)) + end;
  }
}

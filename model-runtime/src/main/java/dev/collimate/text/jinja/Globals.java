package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template finds. */
final class Globals {

  private static final int MAX_RANGE = 100_000;

  private Globals() {}

  /** The globals of a run, to which the caller's variables are added. */
  static Map<String, Object> of(Run run) {
    Map<String, Object> globals = new HashMap<>();
    globals.put("range", (Callable) Globals::range);
    globals.put("dict", (Callable) Globals::dict);
    globals.put("namespace", (Callable) Globals::namespace);
    globals.put("joiner", (Callable) Globals::joiner);
    globals.put("cycler", (Callable) arguments -> new Cycler(arguments.positional()));
    globals.put(
        "raise_exception",
        (Callable)
            arguments -> {
              throw TemplateException.raised(
                  Values.text(arguments.bind("raise_exception", "message").required(0)));
            });
    globals.put(
        "strftime_now",
        (Callable)
            arguments ->
                Strftime.format(run.now(), arguments.bind("strftime_now", "format").text(0)));
    return globals;
  }

  private static Object range(Arguments arguments) {
    List<Object> given = arguments.positional();
    arguments.bind("range", "start", "stop", "step").required(0);
    long start = given.size() == 1 ? 0 : Values.integer(given.get(0), "range()");
    long stop = Values.integer(given.get(given.size() == 1 ? 0 : 1), "range()");
    long step = given.size() < 3 ? 1 : Values.integer(given.get(2), "range()");
    if (step == 0) {
      throw new TemplateException("range() arg 3 must not be zero");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == MAX_RANGE) {
        throw new TemplateException("a range may have at most %d numbers".formatted(MAX_RANGE));
      }
      numbers.add(i);
    }
    return numbers;
  }

  private static Object dict(Arguments arguments) {
    Map<Object, Object> entries = new LinkedHashMap<>();
    for (Object source : arguments.positional()) {
      if (source instanceof Map<?, ?> map) {
        entries.putAll(map);
      } else {
        for (Object pair : Values.list(source)) {
          List<Object> entry = Values.list(pair);
          if (entry.size() != 2) {
            throw new TemplateException("dict() needs pairs");
          }
          entries.put(entry.get(0), entry.get(1));
        }
      }
    }
    entries.putAll(arguments.keywords());
    return entries;
  }

  private static Object namespace(Arguments arguments) {
    Namespace namespace = new Namespace();
    ((Map<?, ?>) dict(arguments))
        .forEach((name, value) -> namespace.set(Values.string(name, "namespace()"), value));
    return namespace;
  }

  private static Object joiner(Arguments arguments) {
    String separator = arguments.bind("joiner", "sep").text(0, ", ");
    boolean[] isUsed = {false};
    return (Callable)
        none -> {
          none.bind("joiner");
          String text = isUsed[0] ? separator : "";
          isUsed[0] = true;
          return text;
        };
  }

  /** Gives its items in turn. */
  private static final class Cycler implements Attributes {

    private final List<Object> items;
    private int position;

    Cycler(List<Object> items) {
      if (items.isEmpty()) {
        throw new TemplateException("at least one item has to be provided");
      }
      this.items = items;
    }

    @Override
    public Object attribute(String name) {
      return switch (name) {
        case "current" -> items.get(position);
        case "next" ->
            (Callable)
                none -> {
                  none.bind("next");
                  Object item = items.get(position);
                  position = (position + 1) % items.size();
                  return item;
                };
        case "reset" ->
            (Callable)
                none -> {
                  none.bind("reset");
                  position = 0;
                  return null;
                };
        default -> ABSENT;
      };
    }
  }
}

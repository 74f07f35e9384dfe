package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Filters.Filter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Filters of lists, dicts and what else can be walked. */
final class SequenceFilters {

  private static final String[] OPTIONS = {"case_sensitive", "attribute"};

  static final Map<String, Filter> ALL =
      Map.ofEntries(
          Map.entry("batch", SequenceFilters::batch),
          Map.entry("count", (value, arguments, run) -> Values.length(value)),
          Map.entry("default", SequenceFilters::orDefault),
          Map.entry("d", SequenceFilters::orDefault),
          Map.entry("dictsort", SequenceFilters::dictSort),
          Map.entry("first", SequenceFilters::first),
          Map.entry("items", SequenceFilters::items),
          Map.entry("join", SequenceFilters::join),
          Map.entry("last", SequenceFilters::last),
          Map.entry("length", (value, arguments, run) -> Values.length(value)),
          Map.entry("list", (value, arguments, run) -> Values.list(value)),
          Map.entry(
              "max", (v, a, run) -> extreme(v, a.bind("max", OPTIONS), Comparator.reverseOrder())),
          Map.entry(
              "min", (v, a, run) -> extreme(v, a.bind("min", OPTIONS), Comparator.naturalOrder())),
          Map.entry("reverse", SequenceFilters::reverse),
          Map.entry("slice", SequenceFilters::slice),
          Map.entry("sort", SequenceFilters::sort));

  private SequenceFilters() {}

  private static Object orDefault(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("default", "default_value", "boolean");
    boolean isAbsent = value instanceof Undefined || (bound.truth(1) && !Values.truth(value));
    return isAbsent ? bound.value(0, "") : value;
  }

  private static Object first(Object value, Arguments arguments, Run run) {
    Iterator<Object> items = Values.iterate(value);
    return items.hasNext() ? items.next() : new Undefined("no first item, the sequence was empty");
  }

  private static Object last(Object value, Arguments arguments, Run run) {
    if (value instanceof Generator) {
      throw Values.wrongType(value, "last", "a list");
    }
    List<Object> items = Values.list(value);
    return items.isEmpty()
        ? new Undefined("no last item, the sequence was empty")
        : items.get(items.size() - 1);
  }

  private static Object items(Object value, Arguments arguments, Run run) {
    if (value instanceof Undefined) {
      return new Generator(Collections.emptyIterator());
    } else if (value instanceof Map<?, ?> map) {
      return new Generator(ContainerMethods.pairs(map).iterator());
    }
    throw Values.wrongType(value, "items", "a dict");
  }

  private static Object join(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("join", "d", "attribute");
    String separator = Values.text(bound.value(0, ""));
    AttributePath path = AttributePath.of(bound.value(1, null));
    StringBuilder out = new StringBuilder();
    boolean isFirst = true;
    for (Object item : Values.list(value)) {
      out.append(isFirst ? "" : separator).append(Values.text(path.of(item, null)));
      PythonText.checkLength(out.length());
      isFirst = false;
    }
    return out.toString();
  }

  private static Object reverse(Object value, Arguments arguments, Run run) {
    if (Values.isString(value)) {
      return Access.slice(Values.text(value), null, null, -1L);
    }
    List<Object> items = Values.list(value);
    Collections.reverse(items);
    return new Generator(items.iterator());
  }

  private static Object sort(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("sort", "reverse", "case_sensitive", "attribute");
    List<AttributePath> paths = new ArrayList<>();
    Object attribute = bound.value(2, null);
    if (Values.isString(attribute)) {
      for (String path : Values.text(attribute).split(",", -1)) {
        paths.add(AttributePath.of(path));
      }
    } else {
      paths.add(AttributePath.of(attribute));
    }
    boolean isCaseSensitive = bound.truth(1);
    Comparator<Object> order =
        (a, b) -> {
          for (AttributePath path : paths) {
            Object left = path.key(a, null, isCaseSensitive);
            Object right = path.key(b, null, isCaseSensitive);
            if (!Values.equal(left, right)) {
              return Values.compare(left, right);
            }
          }
          return 0;
        };
    return sorted(Values.list(value), order, bound.truth(0));
  }

  /** Stable in both directions, as Python's sort is. */
  private static List<Object> sorted(
      List<Object> items, Comparator<Object> order, boolean reverse) {
    items.sort(reverse ? order.reversed() : order);
    return items;
  }

  private static Object dictSort(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
    String by = bound.text(1, "key");
    if (!by.equals("key") && !by.equals("value")) {
      throw new TemplateException("dictsort() sorts by 'key' or 'value', not '" + by + "'");
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw Values.wrongType(value, "dictsort", "a dict");
    }
    AttributePath path = AttributePath.of(by.equals("key") ? 0L : 1L);
    boolean isCaseSensitive = bound.truth(0);
    Comparator<Object> order =
        (a, b) ->
            Values.compare(path.key(a, null, isCaseSensitive), path.key(b, null, isCaseSensitive));
    return sorted(ContainerMethods.pairs(map), order, bound.truth(2));
  }

  private static Object extreme(Object value, Arguments.Bound bound, Comparator<Integer> sign) {
    AttributePath path = AttributePath.of(bound.value(1, null));
    boolean isCaseSensitive = bound.truth(0);
    Object best = null;
    boolean isEmpty = true;
    for (Object item : Values.list(value)) {
      boolean isBetter =
          isEmpty
              || sign.compare(
                      Values.compare(
                          path.key(item, null, isCaseSensitive),
                          path.key(best, null, isCaseSensitive)),
                      0)
                  < 0;
      best = isBetter ? item : best;
      isEmpty = false;
    }
    return isEmpty ? new Undefined("no aggregated item, the sequence was empty") : best;
  }

  private static Object batch(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("batch", "linecount", "fill_with");
    long size = Values.integer(bound.required(0), "batch");
    Arithmetic.checkItems(size);
    List<Object> batches = new ArrayList<>();
    List<Object> batch = new ArrayList<>();
    for (Object item : Values.list(value)) {
      if (batch.size() == size) {
        batches.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(item);
    }
    if (!batch.isEmpty()) {
      Object fill = bound.value(1, null);
      while (fill != null && batch.size() < size) {
        batch.add(fill);
      }
      batches.add(batch);
    }
    return new Generator(batches.iterator());
  }

  private static Object slice(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("slice", "slices", "fill_with");
    long count = Values.integer(bound.required(0), "slice");
    if (count < 1) {
      throw new TemplateException("slice() needs a positive number");
    }
    Arithmetic.checkItems(count);
    List<Object> items = Values.list(value);
    int each = items.size() / (int) count;
    int longer = items.size() % (int) count;
    Object fill = bound.value(1, null);
    List<Object> slices = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < count; i++) {
      int end = start + each + (i < longer ? 1 : 0);
      List<Object> slice = new ArrayList<>(items.subList(start, end));
      if (fill != null && i >= longer) {
        slice.add(fill);
      }
      slices.add(slice);
      start = end;
    }
    return new Generator(slices.iterator());
  }
}

package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Filters.Filter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/** Filters that pick, map and group items. */
final class SelectionFilters {

  static final Map<String, Filter> ALL =
      Map.of(
          "attr",
          SelectionFilters::attribute,
          "groupby",
          SelectionFilters::groupBy,
          "map",
          SelectionFilters::map,
          "reject",
          (value, arguments, run) -> select(value, arguments, "", /* wanted= */ false),
          "rejectattr",
          (v, arguments, run) -> select(v, arguments, "attr", /* wanted= */ false),
          "select",
          (value, arguments, run) -> select(value, arguments, "", /* wanted= */ true),
          "selectattr",
          (v, arguments, run) -> select(v, arguments, "attr", /* wanted= */ true),
          "unique",
          SelectionFilters::unique);

  private SelectionFilters() {}

  private static Object attribute(Object value, Arguments arguments, Run run) {
    return Access.memberOrUndefined(value, arguments.bind("attr", "name").text(0));
  }

  private static Object map(Object value, Arguments arguments, Run run) {
    Iterator<Object> items = Values.iterate(value);
    Function<Object, Object> function;
    if (arguments.positional().isEmpty()) {
      Arguments.Bound bound = arguments.bind("map", "attribute", "default");
      AttributePath path = AttributePath.of(bound.required(0));
      Object absent = bound.value(1, null);
      function = item -> path.of(item, absent);
    } else {
      String filter = Values.string(arguments.positional().get(0), "map");
      Arguments rest = arguments.dropFirst(1);
      function = item -> Filters.apply(filter, item, rest, run);
    }
    return new Generator(
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return items.hasNext();
          }

          @Override
          public Object next() {
            return function.apply(items.next());
          }
        });
  }

  private static Object select(Object value, Arguments arguments, String kind, boolean wanted) {
    List<Object> given = arguments.positional();
    int used = 0;
    AttributePath path = AttributePath.of(null);
    if (kind.equals("attr")) {
      if (given.isEmpty()) {
        throw new TemplateException("missing parameter for attribute name");
      }
      path = AttributePath.of(given.get(used++));
    }
    Predicate<Object> test = Values::truth;
    if (used < given.size()) {
      String name = Values.string(given.get(used++), "select");
      Arguments rest = arguments.dropFirst(used);
      test = item -> Tests.apply(name, item, rest);
    }
    return new Generator(selected(Values.iterate(value), path, test, wanted));
  }

  /** Items whose part passes, or fails, a test. */
  private static Iterator<Object> selected(
      Iterator<Object> all, AttributePath path, Predicate<Object> test, boolean wanted) {
    return new Selection(all, item -> test.test(path.of(item, null)) == wanted);
  }

  private static Object unique(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("unique", "case_sensitive", "attribute");
    AttributePath path = AttributePath.of(bound.value(1, null));
    Set<Object> seen = new HashSet<>();
    List<Object> items = new ArrayList<>();
    for (Object item : Values.list(value)) {
      if (seen.add(path.key(item, null, bound.truth(0)))) {
        items.add(item);
      }
    }
    return new Generator(items.iterator());
  }

  private static Object groupBy(Object value, Arguments arguments, Run run) {
    Arguments.Bound bound = arguments.bind("groupby", "attribute", "default", "case_sensitive");
    AttributePath path = AttributePath.of(bound.required(0));
    Object absent = bound.value(1, null);
    boolean isCaseSensitive = bound.truth(2);
    List<Object> items = Values.list(value);
    items.sort(
        (a, b) ->
            Values.compare(
                path.key(a, absent, isCaseSensitive), path.key(b, absent, isCaseSensitive)));
    List<Object> groups = new ArrayList<>();
    List<Object> group = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      group.add(items.get(i));
      boolean isLast =
          i + 1 == items.size()
              || !Values.equal(
                  path.key(items.get(i), absent, isCaseSensitive),
                  path.key(items.get(i + 1), absent, isCaseSensitive));
      if (isLast) {
        // Named by the value of its first item, in that item's case.
        groups.add(Tuple.of(path.of(group.get(0), absent), group));
        group = new ArrayList<>();
      }
    }
    return groups;
  }
}

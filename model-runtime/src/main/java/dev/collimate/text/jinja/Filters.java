package dev.collimate.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** The filters by name. */
final class Filters {

  /** A filter: what stands on the left of {@code |}, and the arguments in parentheses. */
  interface Filter {
    Object apply(Object value, Arguments arguments, Run run);
  }

  private static final Map<String, Filter> FILTERS = new HashMap<>();

  static {
    FILTERS.putAll(TextFilters.ALL);
    FILTERS.putAll(NumberFilters.ALL);
    FILTERS.putAll(SequenceFilters.ALL);
    FILTERS.putAll(SelectionFilters.ALL);
  }

  private Filters() {}

  static boolean exists(String name) {
    return FILTERS.containsKey(name);
  }

  static Object apply(String name, Object value, Arguments arguments, Run run) {
    Filter filter = FILTERS.get(name);
    if (filter == null) {
      throw new TemplateException("there is no filter '" + name + "'");
    }
    run.charge(1);
    run.chargeSize(value);
    Object result = filter.apply(value, arguments, run);
    run.chargeSize(result);
    return result;
  }
}

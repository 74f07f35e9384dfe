package dev.collimate.text.jinja;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The arguments of a call. */
record Arguments(List<Object> positional, Map<String, Object> keywords) {

  static final Arguments NONE = new Arguments(List.of(), Map.of());

  private static final Object ABSENT = new Object();

  /** Lines the arguments up with the names of a function's parameters. */
  Bound bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw new TemplateException(
          "%s() takes at most %d arguments, got %d"
              .formatted(function, parameters.length, positional.size()));
    }
    Object[] values = new Object[parameters.length];
    Arrays.fill(values, ABSENT);
    for (int i = 0; i < positional.size(); i++) {
      values[i] = positional.get(i);
    }
    keywords.forEach(
        (name, value) -> {
          int index = Arrays.asList(parameters).indexOf(name);
          if (index < 0 || values[index] != ABSENT) {
            throw new TemplateException(
                "%s() got an unexpected argument '%s'".formatted(function, name));
          }
          values[index] = value;
        });
    return new Bound(function, parameters, values);
  }

  /** Arguments without the first {@code count} positional ones. */
  Arguments dropFirst(int count) {
    return new Arguments(positional.subList(count, positional.size()), keywords);
  }

  /** Arguments by parameter; an absent one has its default, or is an error. */
  record Bound(String function, String[] parameters, Object[] values) {

    boolean has(int index) {
      return values[index] != ABSENT;
    }

    Object required(int index) {
      if (!has(index)) {
        throw new TemplateException(
            "%s() misses the argument '%s'".formatted(function, parameters[index]));
      }
      return values[index];
    }

    Object value(int index, Object absent) {
      return has(index) ? values[index] : absent;
    }

    boolean truth(int index) {
      return has(index) && Values.truth(values[index]);
    }

    long integer(int index, long absent) {
      return has(index) ? Values.integer(values[index], function) : absent;
    }

    String text(int index) {
      return Values.string(required(index), function);
    }

    String text(int index, String absent) {
      return has(index) ? Values.string(values[index], function) : absent;
    }
  }
}

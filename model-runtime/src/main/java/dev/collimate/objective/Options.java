package dev.collimate.objective;

import java.util.List;
import java.util.Map;

/**
 * An objective's options, every one of the table with its value.
 *
 * @param values Boolean, Double, String, or a List of String or of Double, by name
 */
public record Options(Map<String, Object> values) {

  public Options {
    values = Map.copyOf(values);
  }

  public boolean flag(String name) {
    return (Boolean) values.get(name);
  }

  public double number(String name) {
    return ((Number) values.get(name)).doubleValue();
  }

  public String text(String name) {
    return (String) values.get(name);
  }

  /** The names of an option that takes one or several; a flag is the text of its value. */
  public List<String> texts(String name) {
    return values.get(name) instanceof List<?> list
        ? list.stream().map(String.class::cast).toList()
        : List.of(values.get(name).toString());
  }

  public List<Double> numbers(String name) {
    return ((List<?>) values.get(name))
        .stream().map(number -> ((Number) number).doubleValue()).toList();
  }
}

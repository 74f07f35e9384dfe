package dev.collimate.objective;

import java.util.Map;

/**
 * An objective's options, every one of the table with its value.
 *
 * @param values Boolean, Double or String, by name
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
}

package dev.collimate.objective;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An objective's options, checked and with defaults filled in.
 *
 * @param values by name, in the order of the table
 */
public record Options(Map<String, Object> values) {

  public Options {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  public double number(String name) {
    return ((Number) require(name)).doubleValue();
  }

  public String text(String name) {
    return (String) require(name);
  }

  private Object require(String name) {
    Object value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("option '" + name + "' is not in the table");
    }
    return value;
  }
}

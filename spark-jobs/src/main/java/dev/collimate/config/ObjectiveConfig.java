package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The {@code objective} section.
 *
 * @param options every option of the objective by its key, defaults included: Boolean, Double or
 *     String
 */
public record ObjectiveConfig(
    @Key(role = IDENTITY, meaning = "What is optimised.") String name,
    Map<String, Object> options) {

  public ObjectiveConfig {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  public boolean flag(String option) {
    Object value = options.get(option);
    if (value == null) {
      throw new IllegalArgumentException("objective " + name + " has no option '" + option + "'");
    }
    return (Boolean) value;
  }

  /** Name and options as they would be written. */
  Map<String, Object> resolved() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("name", name);
    values.putAll(options);
    return values;
  }
}

package dev.collimate.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** The one object whose attributes a template may set. */
final class Namespace {

  private final Map<String, Object> attributes = new LinkedHashMap<>();

  Object get(String name) {
    return attributes.containsKey(name)
        ? attributes.get(name)
        : new Undefined("the namespace has no attribute '" + name + "'");
  }

  void set(String name, Object value) {
    attributes.put(name, value);
  }
}

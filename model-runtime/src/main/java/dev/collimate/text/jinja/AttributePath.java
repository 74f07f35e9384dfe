package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The path to an item's part that filters take as {@code attribute}: names and indices with dots.
 */
record AttributePath(List<Object> parts) {

  /**
   * A path as a filter was given it.
   *
   * @param attribute a string, an integer, or None for the item itself
   */
  static AttributePath of(Object attribute) {
    List<Object> parts = new ArrayList<>();
    if (attribute instanceof Long) {
      parts.add(attribute);
    } else if (attribute != null) {
      for (String part : Values.string(attribute, "'attribute'").split("\\.", -1)) {
        parts.add(part.matches("\\d{1,9}") ? (Object) Long.valueOf(part) : part);
      }
    }
    return new AttributePath(parts);
  }

  /** The part of an item; {@code absent}, where not None, stands in for undefined ones. */
  Object of(Object item, Object absent) {
    Object value = item;
    for (Object part : parts) {
      value = Access.item(value, part);
      if (absent != null && value instanceof Undefined) {
        value = absent;
      }
    }
    return value;
  }

  /**
   * The part by which items are sorted or compared: texts in lower case, unless asked otherwise.
   */
  Object key(Object item, Object absent, boolean isCaseSensitive) {
    Object value = of(item, absent);
    return Values.isString(value) && !isCaseSensitive
        ? Values.text(value).toLowerCase(Locale.ROOT)
        : value;
  }
}

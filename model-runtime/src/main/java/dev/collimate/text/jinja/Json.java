package dev.collimate.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The {@code tojson} filter as transformers sets it: Python's {@code json.dumps} with {@code
 * ensure_ascii=False} and no HTML escaping.
 */
final class Json {

  private final StringBuilder out = new StringBuilder();
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean ensuresAscii;
  private final boolean sortsKeys;

  private Json(Arguments.Bound options) {
    ensuresAscii = options.truth(0);
    Object width = options.value(1, null);
    indent =
        width == null
            ? null
            : Values.isString(width)
                ? Values.text(width)
                : " ".repeat((int) Math.max(0, Math.min(64, Values.integer(width, "tojson"))));
    Object separators = options.value(2, null);
    sortsKeys = options.truth(3);
    if (separators == null) {
      itemSeparator = indent == null ? ", " : ",";
      keySeparator = ": ";
    } else {
      List<Object> pair = Values.list(separators);
      if (pair.size() != 2) {
        throw new TemplateException("tojson() needs two separators");
      }
      itemSeparator = Values.string(pair.get(0), "tojson()");
      keySeparator = Values.string(pair.get(1), "tojson()");
    }
  }

  static String dumps(Object value, Arguments arguments) {
    Json json =
        new Json(arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys"));
    json.write(value, 0);
    return PythonText.checked(json.out.toString());
  }

  private void write(Object value, int depth) {
    PythonText.checkLength(out.length());
    if (Values.isString(value)) {
      string(Values.text(value));
    } else if (value instanceof Map<?, ?> map) {
      map(map, depth);
    } else if (value instanceof List<?> list) {
      list(list, depth);
    } else {
      out.append(scalar(value));
    }
  }

  private static String scalar(Object value) {
    if (value == null) {
      return "null";
    } else if (value instanceof Boolean || value instanceof Long) {
      return value.toString();
    } else if (value instanceof Double d) {
      return PythonFloat.json(d);
    }
    throw new TemplateException(
        "object of type '%s' is not JSON serializable".formatted(Values.typeName(value)));
  }

  private void list(List<?> list, int depth) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    String separator = "";
    for (Object item : list) {
      out.append(separator);
      line(depth + 1);
      write(item, depth + 1);
      separator = itemSeparator;
    }
    line(depth);
    out.append(']');
  }

  private void map(Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    Map<?, ?> entries = map;
    if (sortsKeys) {
      Map<Object, Object> sorted = new TreeMap<>(Values::compare);
      sorted.putAll(map);
      entries = sorted;
    }
    out.append('{');
    String separator = "";
    for (Map.Entry<?, ?> entry : entries.entrySet()) {
      out.append(separator);
      line(depth + 1);
      Object key = entry.getKey();
      string(Values.isString(key) ? Values.text(key) : scalar(key));
      out.append(keySeparator);
      write(entry.getValue(), depth + 1);
      separator = itemSeparator;
    }
    line(depth);
    out.append('}');
  }

  private void line(int depth) {
    if (indent != null) {
      PythonText.checkLength(out.length() + (long) depth * indent.length());
      out.append('\n').append(indent.repeat(depth));
    }
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\f' -> out.append("\\f");
        case '\b' -> out.append("\\b");
        default -> {
          if (c < 0x20 || (ensuresAscii && c > 0x7f)) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}

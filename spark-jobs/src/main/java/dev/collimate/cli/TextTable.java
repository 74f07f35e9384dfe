package dev.collimate.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Nested values as aligned lines, for people. */
final class TextTable {

  private TextTable() {}

  /** A line per value; a nested map becomes a heading with indented lines. */
  static List<String> of(Map<String, ?> values) {
    List<String> lines = new ArrayList<>();
    add(values, "", lines);
    return lines;
  }

  private static void add(Map<?, ?> values, String indent, List<String> lines) {
    int width = values.keySet().stream().mapToInt(key -> key.toString().length()).max().orElse(0);
    values.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> nested && !nested.isEmpty()) {
            lines.add(indent + key);
            add(nested, indent + "  ", lines);
          } else if (value instanceof List<?> rows && isTable(rows)) {
            lines.add(indent + key);
            rows.forEach(row -> addRow((Map<?, ?>) row, indent + "  ", lines));
          } else {
            lines.add(indent + pad(key.toString(), width) + "  " + text(value));
          }
        });
  }

  private static boolean isTable(List<?> rows) {
    return !rows.isEmpty() && rows.stream().allMatch(Map.class::isInstance);
  }

  private static void addRow(Map<?, ?> row, String indent, List<String> lines) {
    List<String> cells = new ArrayList<>();
    row.forEach((key, value) -> cells.add(key + " " + text(value)));
    lines.add(indent + String.join(", ", cells));
  }

  private static String text(Object value) {
    if (value == null || value instanceof Map) {
      return "-";
    }
    if (value instanceof List<?> list) {
      return list.isEmpty() ? "-" : String.join(", ", list.stream().map(TextTable::text).toList());
    }
    if (value instanceof Long || value instanceof Integer) {
      return String.format(Locale.ROOT, "%,d", ((Number) value).longValue());
    }
    return value instanceof Double number
        ? String.format(Locale.ROOT, "%.6g", number)
        : value.toString();
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(width - text.length());
  }
}

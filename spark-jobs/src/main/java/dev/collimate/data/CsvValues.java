package dev.collimate.data;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** CSV knows only text: the columns that are numbers or booleans elsewhere are read as such. */
final class CsvValues {

  private static final Set<String> NUMBERS =
      Set.of("weight", "margin", "score", "chosen_score", "rejected_score");

  private static final String LABEL = "label";
  private static final Map<String, Object> LABELS =
      Map.of("true", true, "false", false, "1", true, "0", false);

  private CsvValues() {}

  /** Texts that are no numbers stay as they are, and are refused with the row. */
  static Map<String, Object> typed(Map<String, Object> texts) {
    Map<String, Object> values = new LinkedHashMap<>();
    texts.forEach((column, text) -> values.put(column, typed(column, text)));
    return values;
  }

  private static Object typed(String column, Object value) {
    if (!(value instanceof String text)) {
      return value;
    }
    if (column.equals(LABEL)) {
      return LABELS.getOrDefault(text.toLowerCase(Locale.ROOT), text);
    }
    if (NUMBERS.contains(column)) {
      try {
        return Double.valueOf(text);
      } catch (NumberFormatException e) {
        return text;
      }
    }
    return text;
  }
}

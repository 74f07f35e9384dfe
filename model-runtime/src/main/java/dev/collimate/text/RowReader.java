package dev.collimate.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Typed access to the columns of a row; what does not fit refuses the row. */
final class RowReader {

  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** Variables of a chat template that the row's other columns, or the shape, decide. */
  private static final Set<String> RESERVED_OPTIONS =
      Set.of("messages", "tools", "add_generation_prompt");

  /** Columns that begin a row, the first one there is. */
  private static final List<String> FIRST_COLUMNS =
      List.of("prompt", "messages", "conversations", "text", "chosen", "completion");

  private static final NumberColumn WEIGHT = NumberColumn.optional("weight").within("> 0");

  private static final int SHOWN_CHARACTERS = 60;

  private final Map<String, ?> row;

  RowReader(Map<String, ?> row) {
    this.row = row;
  }

  /** Whether a column is there and not null. */
  boolean has(String column) {
    return row.get(column) != null;
  }

  boolean isConversation(String column) {
    return row.get(column) instanceof List<?>;
  }

  /**
   * The same row with the items of its list {@code responses} as columns of their own, {@code
   * response_1} and so on; of a tokenized row those of {@code responses_input_ids}.
   */
  RowReader withResponses(int count) throws Refusal {
    boolean isTokenized = has("responses_input_ids");
    String column = isTokenized ? "responses_input_ids" : "responses";
    Object value = required(column);
    if (!(value instanceof List<?> list) || list.size() != count) {
      String held = value instanceof List<?> items ? items.size() + " items" : typeOf(value);
      throw new Refusal(
          Refusal.WRONG_TYPE,
          "column '%s' holds %s, a list of %d is expected (objective.list_size)"
              .formatted(column, held, count));
    }
    Map<String, Object> wide = new LinkedHashMap<>(row);
    for (int i = 0; i < count; i++) {
      wide.put("response_" + (i + 1) + (isTokenized ? "_input_ids" : ""), list.get(i));
    }
    return new RowReader(wide);
  }

  /** The columns that hold something, for messages. */
  String present() {
    List<String> names = row.keySet().stream().filter(this::has).sorted().toList();
    return names.isEmpty() ? "nothing" : "'" + String.join("', '", names) + "'";
  }

  String text(String column) throws Refusal {
    Object value = required(column);
    if (value instanceof String text) {
      int lone = Tokenizer.loneSurrogate(text);
      if (lone >= 0) {
        throw new Refusal(
            Refusal.INVALID_TEXT,
            "column '%s' has half a character (lone surrogate) at position %d"
                .formatted(column, lone));
      }
      return text;
    }
    throw wrongType(column, value, "a string");
  }

  private Object required(String column) throws Refusal {
    Object value = row.get(column);
    if (value == null) {
      throw new Refusal(
          Refusal.MISSING_COLUMN,
          "column '%s' is missing or null; the row has %s".formatted(column, present()));
    }
    return value;
  }

  private static Refusal wrongType(String column, Object value, String wanted) {
    return new Refusal(
        Refusal.WRONG_TYPE,
        "column '%s' holds %s, %s is expected".formatted(column, typeOf(value), wanted));
  }

  private static String typeOf(Object value) {
    if (value instanceof String) {
      return "a string";
    } else if (value instanceof List) {
      return "a list";
    } else if (value instanceof Map) {
      return "an object";
    } else if (value instanceof Number) {
      return "a number";
    }
    return value instanceof Boolean ? "a boolean" : "a value of type " + value.getClass().getName();
  }

  /**
   * A conversation: its messages, without fields that are null, which table formats fill in for
   * fields that other rows have. Messages of the {@code from}/{@code value} kind are renamed.
   */
  List<Map<String, Object>> conversation(String column) throws Refusal {
    Object value = required(column);
    if (!(value instanceof List<?> list)) {
      throw wrongType(column, value, "a list of messages");
    }
    List<Map<String, Object>> messages = new ArrayList<>(list.size());
    for (Object item : list) {
      if (!(item instanceof Map<?, ?> fields)) {
        throw wrongType(column, item == null ? "null" : item, "a list of messages");
      }
      Map<String, Object> message = new LinkedHashMap<>();
      fields.forEach(
          (name, field) -> {
            if (field != null) {
              message.put(String.valueOf(name), withoutNulls(field));
            }
          });
      messages.add(chatMessage(column, message));
    }
    return messages;
  }

  /** A list of anything. */
  List<?> list(String column) throws Refusal {
    Object value = required(column);
    if (value instanceof List<?> list) {
      return list;
    }
    throw wrongType(column, value, "a list");
  }

  private static Map<String, Object> chatMessage(String column, Map<String, Object> message)
      throws Refusal {
    if (message.containsKey("role")) {
      return message;
    }
    if (message.containsKey("from") && message.containsKey("value")) {
      Map<String, Object> renamed = new LinkedHashMap<>();
      message.forEach(
          (name, field) -> {
            switch (name) {
              case "from" -> renamed.put("role", field);
              case "value" -> renamed.put("content", field);
              default -> renamed.putIfAbsent(name, field);
            }
          });
      return renamed;
    }
    throw new Refusal(
        Refusal.WRONG_TYPE,
        "column '%s' has a message with the fields %s, 'role' and 'content' are expected"
            .formatted(column, message.keySet()));
  }

  private static Object withoutNulls(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> kept = new LinkedHashMap<>();
      map.forEach(
          (key, item) -> {
            if (item != null) {
              kept.put(key, withoutNulls(item));
            }
          });
      return kept;
    } else if (value instanceof List<?> list) {
      return list.stream().map(RowReader::withoutNulls).toList();
    }
    return value;
  }

  /** Token ids, all of them inside the vocabulary. */
  int[] ids(String column, int vocabularySize) throws Refusal {
    Object value = required(column);
    int[] ids;
    if (value instanceof int[] array) {
      ids = array.clone();
    } else if (value instanceof List<?> list) {
      ids = new int[list.size()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = id(column, list.get(i));
      }
    } else {
      throw wrongType(column, value, "a list of token ids");
    }
    for (int id : ids) {
      if (id < 0 || id >= vocabularySize) {
        throw new Refusal(
            Refusal.INVALID_TOKEN,
            "column '%s' has the token id %d, the vocabulary has 0 to %d"
                .formatted(column, id, vocabularySize - 1));
      }
    }
    return ids;
  }

  private static int id(String column, Object item) throws Refusal {
    boolean isWhole =
        item instanceof Integer
            || item instanceof Short
            || item instanceof Byte
            || (item instanceof Long wide && wide == wide.intValue());
    if (!isWhole) {
      throw new Refusal(
          Refusal.INVALID_TOKEN,
          "column '%s' has the item %s, integers are expected".formatted(column, item));
    }
    return ((Number) item).intValue();
  }

  /** A list that must be there. */
  List<?> list(String column, String wanted) throws Refusal {
    Object value = required(column);
    if (value instanceof List<?> list) {
      return list;
    }
    throw wrongType(column, value, wanted);
  }

  /** Numbers that must be there, finite and legal. */
  double[] numbers(NumberColumn column) throws Refusal {
    Object value = required(column.name());
    if (column.length() == 1) {
      return new double[] {number(column, value)};
    }
    if (!(value instanceof List<?> list) || list.size() != column.length()) {
      throw wrongType(column.name(), value, "a list of %d numbers".formatted(column.length()));
    }
    double[] numbers = new double[list.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = number(column, list.get(i));
    }
    return numbers;
  }

  private static double number(NumberColumn column, Object value) throws Refusal {
    double number = number(column.name(), value);
    if (!column.range().holds(number)) {
      throw new Refusal(
          Refusal.INVALID_NUMBER,
          "column '%s' holds %s, it must be %s"
              .formatted(column.name(), number, column.range().text()));
    }
    return number;
  }

  private static double number(String column, Object value) throws Refusal {
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw new Refusal(
        Refusal.INVALID_NUMBER,
        "column '%s' holds %s, a finite number is expected".formatted(column, value));
  }

  /** The weight of the row's loss: positive, and 1 where there is none. */
  double weight() throws Refusal {
    return has(WEIGHT.name()) ? numbers(WEIGHT)[0] : 1;
  }

  /** A label: a boolean, or 1 or 0. */
  boolean label(String column) throws Refusal {
    Object value = required(column);
    if (value instanceof Boolean truth) {
      return truth;
    }
    if (value instanceof Number number
        && (number.doubleValue() == 0 || number.doubleValue() == 1)) {
      return number.doubleValue() == 1;
    }
    throw wrongType(column, value, "true or false");
  }

  /** A list of objects, also as JSON in a string; null where the column is missing or null. */
  List<?> tools() throws Refusal {
    Object value = parsed("tools");
    if (value == null || value instanceof List<?>) {
      return (List<?>) withoutNulls(value);
    }
    throw wrongType("tools", value, "a list of tools");
  }

  /**
   * Variables for the chat template: an object without fields that are null, also as JSON in a
   * string; empty where the column is missing or null.
   */
  Map<String, Object> options(String column) throws Refusal {
    Object value = parsed(column);
    Map<String, Object> options = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map) {
      map.forEach(
          (name, option) -> {
            if (option != null) {
              options.put(String.valueOf(name), withoutNulls(option));
            }
          });
    } else if (value != null) {
      throw wrongType(column, value, "an object");
    }
    for (String name : options.keySet()) {
      if (RESERVED_OPTIONS.contains(name)) {
        throw new Refusal(
            Refusal.WRONG_TYPE,
            "column '%s' sets '%s', which is not an option of the chat template: the row itself decides it"
                .formatted(column, name));
      }
    }
    return options;
  }

  private Object parsed(String column) throws Refusal {
    Object value = row.get(column);
    if (!(value instanceof String json)) {
      return value;
    }
    try {
      return MAPPER.readValue(json, Object.class);
    } catch (JsonProcessingException e) {
      throw new Refusal(
          Refusal.WRONG_TYPE,
          "column '%s' is a string that is no JSON: %s".formatted(column, e.getOriginalMessage()));
    }
  }

  /** The row's {@code id} as text: a string, or a whole number. */
  Optional<String> id() throws Refusal {
    return has("id") ? Optional.of(category("id")) : Optional.empty();
  }

  /** A name that must be there: a string, or a whole number. */
  String category(String column) throws Refusal {
    Object value = required(column);
    if (value instanceof String || (value instanceof Number number && isWhole(number))) {
      return value.toString();
    }
    throw wrongType(column, value, "a string or a whole number");
  }

  /** Tables with gaps keep whole numbers as floating point ones. */
  private static boolean isWhole(Number number) {
    if (number instanceof BigDecimal decimal) {
      return decimal.stripTrailingZeros().scale() <= 0;
    }
    double value = number.doubleValue();
    return number instanceof BigInteger || (Double.isFinite(value) && value == Math.rint(value));
  }

  /** What tells the row from others, for messages: its {@code id}, else how it begins. */
  String name() {
    Object id = row.get("id");
    if (id instanceof String || id instanceof Number) {
      return "the row '%s'".formatted(id);
    }
    for (String column : FIRST_COLUMNS) {
      if (has(column)) {
        String text = firstText(row.get(column));
        int end =
            text.offsetByCodePoints(
                0, Math.min(SHOWN_CHARACTERS, text.codePointCount(0, text.length())));
        return "the row whose %s begins with '%s'".formatted(column, text.substring(0, end));
      }
    }
    return "a row without text";
  }

  /** A text, or the first message of a conversation. */
  private static String firstText(Object value) {
    if (value instanceof List<?> messages && !messages.isEmpty()) {
      return firstText(messages.get(0));
    }
    if (value instanceof Map<?, ?> message) {
      return String.valueOf(message.get(message.containsKey("content") ? "content" : "value"));
    }
    return String.valueOf(value);
  }
}

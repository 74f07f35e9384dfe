package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Typed access to the keys of a JSON object, which remembers what was asked for: a key that nothing
 * asked for is one that nothing understands.
 */
final class ConfigKeys {

  private final ObjectNode object;
  private final String source;
  private final String path;
  private final Set<String> read = new HashSet<>();

  /**
   * @param source the file, for messages
   */
  ConfigKeys(ObjectNode object, String source) {
    this(object, source, "");
  }

  private ConfigKeys(ObjectNode object, String source, String path) {
    this.object = object;
    this.source = source;
    this.path = path;
  }

  /** Whether the key stands there with a value other than null. */
  boolean has(String key) {
    read.add(key);
    return object.hasNonNull(key);
  }

  /** Whether the key stands there, null included. */
  boolean contains(String key) {
    read.add(key);
    return object.has(key);
  }

  JsonNode node(String key) {
    read.add(key);
    return object.path(key);
  }

  ConfigKeys object(String key) {
    if (node(key) instanceof ObjectNode inner) {
      return new ConfigKeys(inner, source, path + key + ".");
    }
    throw bad(key, "an object is expected");
  }

  boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!node(key).isBoolean()) {
      throw bad(key, "true or false is expected");
    }
    return node(key).booleanValue();
  }

  String text(String key, String otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!node(key).isTextual()) {
      throw bad(key, "a string is expected");
    }
    return node(key).textValue();
  }

  /** A required integer of at least 1. */
  int size(String key) {
    if (!has(key)) {
      throw CollimateException.data(
          "%s: '%s' is missing, an integer of at least 1 is expected"
              .formatted(source, path + key));
    }
    return positive(key);
  }

  /** An integer of at least 1, or the other value where the key is missing or null. */
  int size(String key, int otherwise) {
    return has(key) ? positive(key) : otherwise;
  }

  private int positive(String key) {
    JsonNode value = node(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw bad(key, "an integer of at least 1 is expected");
    }
    return value.intValue();
  }

  /** A finite number above 0. */
  double positiveNumber(String key, double otherwise) {
    double value = number(key, otherwise);
    if (!(value > 0)) {
      throw bad(key, "a number above 0 is expected");
    }
    return value;
  }

  double number(String key, double otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    double value = node(key).doubleValue();
    if (!node(key).isNumber() || Double.isNaN(value) || Double.isInfinite(value)) {
      throw bad(key, "a number is expected");
    }
    return value;
  }

  /** A probability in [0, 1). */
  double dropout(String key, double otherwise) {
    double value = number(key, otherwise);
    if (value < 0 || value >= 1) {
      throw bad(key, "a number of at least 0 and below 1 is expected");
    }
    return value;
  }

  /** Token ids: one or a list; empty where the key is missing, null or -1. */
  List<Integer> tokens(String key, int vocabSize) {
    List<Integer> ids = new ArrayList<>();
    JsonNode value = node(key);
    if (!has(key)) {
      return ids;
    }
    for (JsonNode id : value.isArray() ? value : List.of(value)) {
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() >= vocabSize) {
        throw bad(key, "token ids below vocab_size = " + vocabSize + " are expected");
      }
      if (id.intValue() >= 0) {
        ids.add(id.intValue());
      }
    }
    return List.copyOf(ids);
  }

  OptionalInt token(String key, int vocabSize) {
    return tokens(key, vocabSize).stream().mapToInt(Integer::intValue).findFirst();
  }

  List<String> texts(String key) {
    List<String> values = new ArrayList<>();
    if (!node(key).isArray()) {
      throw bad(key, "a list of strings is expected");
    }
    for (JsonNode value : node(key)) {
      if (!value.isTextual()) {
        throw bad(key, "a list of strings is expected");
      }
      values.add(value.textValue());
    }
    return List.copyOf(values);
  }

  /** Takes notice of keys that change nothing here. */
  void ignore(Set<String> keys) {
    read.addAll(keys);
  }

  /** Keys that nothing asked for and whose value is not null, false, or empty. */
  List<String> unread() {
    List<String> unread = new ArrayList<>();
    object
        .properties()
        .forEach(
            entry -> {
              if (!read.contains(entry.getKey()) && isActive(entry.getValue())) {
                unread.add(entry.getKey());
              }
            });
    return List.copyOf(unread);
  }

  /** Whether a value switches something on. */
  static boolean isActive(JsonNode value) {
    if (value.isMissingNode() || value.isNull() || (value.isContainerNode() && value.isEmpty())) {
      return false;
    }
    return !value.isBoolean() || value.booleanValue();
  }

  CollimateException bad(String key, String expected) {
    return CollimateException.data(
        "%s: '%s' is %s, %s"
            .formatted(
                source, path + key, object.has(key) ? object.get(key) : "missing", expected));
  }
}

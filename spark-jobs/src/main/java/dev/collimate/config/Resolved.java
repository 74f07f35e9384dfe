package dev.collimate.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/** A run file's records as plain values: nested maps, text, identity. */
final class Resolved {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper YAML =
      new ObjectMapper(
          YAMLFactory.builder()
              .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
              .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
              .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
              .build());

  private Resolved() {}

  /** Nested maps of plain values; the keys without effect are null. */
  static Map<String, Object> of(Record section, Set<String> withoutEffect) {
    return of(section, "", withoutEffect);
  }

  private static Map<String, Object> of(Record section, String path, Set<String> withoutEffect) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (RecordComponent component : section.getClass().getRecordComponents()) {
      String name = Names.key(component.getName());
      String key = Names.join(path, name);
      Object value = Records.get(section, component);
      if (value instanceof Optional<?> optional) {
        value = optional.orElse(null);
      }
      if (withoutEffect.contains(key)) {
        values.put(name, null);
      } else if (value instanceof Record nested && !(value instanceof ObjectiveConfig)) {
        values.put(name, of(nested, key, withoutEffect));
      } else {
        values.put(name, plain(value));
      }
    }
    return values;
  }

  private static Object plain(Object value) {
    if (value instanceof Optional<?> optional) {
      return optional.map(Resolved::plain).orElse(null);
    }
    if (value instanceof OptionalInt number) {
      return number.isPresent() ? number.getAsInt() : null;
    }
    if (value instanceof ObjectiveConfig objective) {
      return objective.resolved();
    }
    if (value instanceof RewardSection reward) {
      return reward.resolved();
    }
    if (value instanceof Record section) {
      return of(section, Set.of());
    }
    if (value instanceof Enum<?> constant) {
      return Names.of(constant);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Resolved::plain).toList();
    }
    return value instanceof Map<?, ?> map ? new TreeMap<>(map) : value;
  }

  static Map<String, Object> identity(Record section, Set<String> withoutEffect) {
    Map<String, Object> values = new LinkedHashMap<>();
    identity(section, "", values);
    values.replaceAll((key, value) -> withoutEffect.contains(key) ? null : value);
    return values;
  }

  private static void identity(Record section, String path, Map<String, Object> into) {
    for (RecordComponent component : section.getClass().getRecordComponents()) {
      String key = Names.join(path, Names.key(component.getName()));
      Object value = Records.get(section, component);
      if (value instanceof Optional<?> optional) {
        value = optional.orElse(null);
      }
      if (value instanceof ObjectiveConfig objective) {
        objective.resolved().forEach((name, option) -> into.put(Names.join(key, name), option));
      } else if (value instanceof Record nested) {
        identity(nested, key, into);
      } else if (component.getAnnotation(Key.class).role() == Key.Role.IDENTITY) {
        into.put(key, plain(value));
      }
    }
  }

  static List<String> differences(Map<String, Object> there, Map<String, Object> here) {
    Set<String> keys = new LinkedHashSet<>(here.keySet());
    keys.addAll(there.keySet());
    List<String> differences = new ArrayList<>();
    for (String key : keys) {
      if (!Objects.equals(there.get(key), here.get(key))) {
        differences.add(
            key + " is " + text(there.get(key)) + " there and " + text(here.get(key)) + " here");
      }
    }
    return differences;
  }

  private static String text(Object value) {
    return value instanceof String string ? "'" + string + "'" : json(value);
  }

  static String json(Object value) {
    return write(JSON, value);
  }

  static String yaml(Object value) {
    return write(YAML, value);
  }

  private static String write(ObjectMapper mapper, Object value) {
    try {
      return mapper.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}

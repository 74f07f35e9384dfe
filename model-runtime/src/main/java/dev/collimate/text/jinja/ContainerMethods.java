package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The methods of lists, tuples and dicts that change nothing. */
final class ContainerMethods {

  private ContainerMethods() {}

  /** A method of a dict, or Java's null. */
  static Callable find(Map<?, ?> map, String name) {
    return switch (name) {
      case "get" ->
          arguments -> {
            Arguments.Bound bound = arguments.bind("get", "key", "default");
            Object key = bound.required(0);
            return map.containsKey(key) ? map.get(key) : bound.value(1, null);
          };
      case "items" -> arguments -> items(map, arguments);
      case "keys" -> arguments -> copyOf(new ArrayList<>(map.keySet()), arguments, name);
      case "values" -> arguments -> copyOf(new ArrayList<>(map.values()), arguments, name);
      case "copy" -> arguments -> copyOf(new LinkedHashMap<>(map), arguments, name);
      default -> null;
    };
  }

  private static Object items(Map<?, ?> map, Arguments arguments) {
    arguments.bind("items");
    return pairs(map);
  }

  /** A dict's entries as tuples. */
  static List<Object> pairs(Map<?, ?> map) {
    List<Object> pairs = new ArrayList<>(map.size());
    map.forEach((key, value) -> pairs.add(Tuple.of(key, value)));
    return pairs;
  }

  private static Object copyOf(Object copy, Arguments arguments, String name) {
    arguments.bind(name);
    return copy;
  }

  /** A method of a list or tuple, or Java's null. */
  static Callable find(List<?> list, String name) {
    return switch (name) {
      case "count" ->
          arguments -> {
            Object wanted = arguments.bind("count", "value").required(0);
            return list.stream().filter(item -> Values.equal(item, wanted)).count();
          };
      case "index" ->
          arguments -> {
            Object wanted = arguments.bind("index", "value").required(0);
            for (int i = 0; i < list.size(); i++) {
              if (Values.equal(list.get(i), wanted)) {
                return (long) i;
              }
            }
            throw new TemplateException(Values.repr(wanted) + " is not in list");
          };
      case "copy" ->
          list instanceof Tuple
              ? null
              : arguments -> copyOf(new ArrayList<>(list), arguments, name);
      default -> null;
    };
  }
}

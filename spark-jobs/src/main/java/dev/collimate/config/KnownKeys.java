package dev.collimate.config;

import dev.collimate.objective.Objectives;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Every key of the run file. */
final class KnownKeys {

  /** A key with its dotted path; an item of a list is {@code []}. */
  record KnownKey(String path, RecordComponent component) {
    Key key() {
      return component.getAnnotation(Key.class);
    }
  }

  private static final List<KnownKey> ALL = collect();

  private KnownKeys() {}

  /** In the order of the records; sections before their keys. */
  static List<KnownKey> all() {
    return ALL;
  }

  /** What to offer for an unknown key: the same name elsewhere, else the nearest name. */
  static Optional<String> nearest(String section, String unknown) {
    List<String> paths = new ArrayList<>(ALL.stream().map(KnownKey::path).toList());
    Objectives.table()
        .forEach(spec -> spec.options().forEach(o -> paths.add("objective." + o.name())));
    Optional<String> elsewhere =
        paths.stream().filter(p -> Names.last(p).equals(unknown)).findFirst();
    if (elsewhere.isPresent()) {
      return elsewhere;
    }
    List<String> siblings =
        paths.stream()
            .filter(p -> p.equals(Names.join(section, Names.last(p))))
            .map(Names::last)
            .toList();
    Optional<String> sibling =
        Names.nearest(unknown, siblings).map(name -> Names.join(section, name));
    return sibling.isPresent()
        ? sibling
        : Names.nearest(unknown, paths.stream().map(Names::last).toList())
            .flatMap(name -> paths.stream().filter(p -> Names.last(p).equals(name)).findFirst());
  }

  private static List<KnownKey> collect() {
    List<KnownKey> keys = new ArrayList<>();
    collect(RunConfig.class, "", keys);
    return List.copyOf(keys);
  }

  private static void collect(Class<?> type, String path, List<KnownKey> into) {
    for (RecordComponent component : type.getRecordComponents()) {
      if (component.getAnnotation(Key.class) == null) {
        continue;
      }
      String key = Names.join(path, Names.key(component.getName()));
      into.add(new KnownKey(key, component));
      Class<?> nested = nested(component);
      if (nested.isRecord()) {
        collect(nested, component.getType() == List.class ? key + "[]" : key, into);
      }
    }
  }

  /** The component's type; for an Optional or a List, that of its content. */
  static Class<?> nested(RecordComponent component) {
    Type generic = component.getGenericType();
    if (generic instanceof ParameterizedType parameterized
        && parameterized.getActualTypeArguments()[0] instanceof Class<?> content
        && parameterized.getActualTypeArguments().length == 1) {
      return content;
    }
    return component.getType();
  }
}

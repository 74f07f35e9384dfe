package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Attributes and items of values, as Jinja's sandbox finds them. */
final class Access {

  private static final Set<String> DICT_MUTATORS =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private static final Set<String> LIST_MUTATORS =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private Access() {}

  /** {@code target.name}: a method or attribute, else the item of that name. */
  static Object attribute(Object target, String name) {
    Object found = member(target, name);
    if (found != Attributes.ABSENT) {
      return found;
    }
    if (target instanceof Map<?, ?> map && map.containsKey(name)) {
      return map.get(name);
    }
    return missing(target, name);
  }

  /** The {@code attr} filter: a method or attribute, never an item. */
  static Object memberOrUndefined(Object target, String name) {
    Object found = member(target, name);
    return found != Attributes.ABSENT ? found : missing(target, name);
  }

  /** {@code target[key]}: an item, else the method or attribute of that name. */
  static Object item(Object target, Object key) {
    if (target instanceof Undefined undefined) {
      throw undefined.failure();
    }
    Object plainKey = key instanceof Markup m ? m.text() : key;
    if (target instanceof Map<?, ?> map && map.containsKey(plainKey)) {
      return map.get(plainKey);
    }
    if (plainKey instanceof Long || plainKey instanceof Boolean) {
      long index = Values.integer(plainKey, "[]");
      if (target instanceof List<?> list && inside(index, list.size())) {
        return list.get((int) (index < 0 ? index + list.size() : index));
      }
      if (Values.isString(target)) {
        String text = Values.text(target);
        int length = PythonText.length(text);
        if (inside(index, length)) {
          int at = text.offsetByCodePoints(0, (int) (index < 0 ? index + length : index));
          return Character.toString(text.codePointAt(at));
        }
      }
    }
    if (plainKey instanceof String name) {
      Object found = member(target, name);
      if (found != Attributes.ABSENT) {
        return found;
      }
    }
    return missing(target, key);
  }

  private static boolean inside(long index, int size) {
    return index < size && index >= -size;
  }

  private static Undefined missing(Object target, Object name) {
    String owner = target == null ? "'None'" : "'%s object'".formatted(Values.typeName(target));
    return new Undefined(
        Values.isString(name)
            ? "%s has no attribute '%s'".formatted(owner, Values.text(name))
            : "%s has no element %s".formatted(owner, Values.repr(name)));
  }

  /** A method or attribute, or {@link Attributes#ABSENT} where the type has none of that name. */
  private static Object member(Object target, String name) {
    if (target instanceof Undefined undefined) {
      throw undefined.failure();
    } else if (Values.isString(target)) {
      return orAbsent(StringMethods.find(Values.text(target), name));
    } else if (target instanceof Map<?, ?> map) {
      return DICT_MUTATORS.contains(name)
          ? unsafe(target, name)
          : orAbsent(ContainerMethods.find(map, name));
    } else if (target instanceof Tuple tuple) {
      return orAbsent(ContainerMethods.find(tuple, name));
    } else if (target instanceof List<?> list) {
      return LIST_MUTATORS.contains(name)
          ? unsafe(target, name)
          : orAbsent(ContainerMethods.find(list, name));
    } else if (target instanceof Namespace namespace) {
      return namespace.get(name);
    } else if (target instanceof Attributes object) {
      return object.attribute(name);
    }
    return Attributes.ABSENT;
  }

  private static Object orAbsent(Callable method) {
    return method == null ? Attributes.ABSENT : method;
  }

  private static Undefined unsafe(Object target, String name) {
    return new Undefined(
        "'%s' would change a %s, which a chat template may not"
            .formatted(name, Values.typeName(target)));
  }

  /** {@code target[from:to:step]} of a string, list or tuple; None takes the usual bound. */
  static Object slice(Object target, Object from, Object to, Object step) {
    if (target instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (Values.isString(target)) {
      List<Object> characters = sliced(PythonText.characters(Values.text(target)), from, to, step);
      return String.join("", characters.stream().map(String.class::cast).toList());
    } else if (target instanceof Tuple tuple) {
      return new Tuple(sliced(tuple, from, to, step));
    } else if (target instanceof List<?> list) {
      return sliced(list, from, to, step);
    }
    return missing(target, "[:]");
  }

  private static List<Object> sliced(List<?> items, Object from, Object to, Object step) {
    long stride = step == null ? 1 : Values.integer(step, "a slice");
    if (stride == 0) {
      throw new TemplateException("slice step cannot be zero");
    }
    int size = items.size();
    // A longer stride leaves the list too, and cannot run over.
    stride = Math.max(-size - 1L, Math.min(size + 1L, stride));
    long lowest = stride > 0 ? 0 : -1;
    long highest = stride > 0 ? size : size - 1;
    long start = bound(from, stride > 0 ? lowest : highest, size, lowest, highest);
    long end = bound(to, stride > 0 ? highest : lowest, size, lowest, highest);
    List<Object> result = new ArrayList<>();
    for (long i = start; stride > 0 ? i < end : i > end; i += stride) {
      result.add(items.get((int) i));
    }
    return result;
  }

  private static long bound(Object given, long absent, int size, long lowest, long highest) {
    if (given == null) {
      return absent;
    }
    long index = Values.integer(given, "a slice");
    if (index < 0) {
      index += size;
    }
    return Math.max(lowest, Math.min(highest, index));
  }
}

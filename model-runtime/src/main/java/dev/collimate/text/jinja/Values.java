package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** What Python does with values of any type: truth, text, equality, order, iteration. */
final class Values {

  private Values() {}

  /**
   * A plain Java value as the interpreter keeps it: integers as Long, other numbers as Double,
   * lists and maps copied.
   */
  static Object of(Object value) {
    if (value == null || value instanceof Boolean || value instanceof String) {
      return value;
    }
    if (value instanceof Long || value instanceof Double) {
      return value;
    }
    if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
      return ((Number) value).longValue();
    }
    if (value instanceof Float number) {
      return Double.valueOf(number.toString());
    }
    if (value instanceof List<?> list) {
      List<Object> items = new ArrayList<>(list.size());
      list.forEach(item -> items.add(of(item)));
      return Collections.unmodifiableList(items);
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> entries = new LinkedHashMap<>();
      map.forEach((key, item) -> entries.put(of(key), of(item)));
      return Collections.unmodifiableMap(entries);
    }
    throw new TemplateException(
        "a value of type %s cannot be given to a template".formatted(value.getClass().getName()));
  }

  static String typeName(Object value) {
    if (value == null) {
      return "NoneType";
    } else if (value instanceof String || value instanceof Markup) {
      return "str";
    } else if (value instanceof Boolean) {
      return "bool";
    } else if (value instanceof Long) {
      return "int";
    } else if (value instanceof Double) {
      return "float";
    } else if (value instanceof Tuple) {
      return "tuple";
    } else if (value instanceof List) {
      return "list";
    } else if (value instanceof Map) {
      return "dict";
    }
    return value.getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  static boolean truth(Object value) {
    if (value instanceof Boolean b) {
      return b;
    } else if (value instanceof String s) {
      return !s.isEmpty();
    } else if (value instanceof Markup m) {
      return !m.text().isEmpty();
    } else if (value instanceof Long n) {
      return n != 0;
    } else if (value instanceof Double d) {
      return d != 0;
    } else if (value instanceof List<?> list) {
      return !list.isEmpty();
    } else if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    return value != null && !(value instanceof Undefined);
  }

  static boolean isString(Object value) {
    return value instanceof String || value instanceof Markup;
  }

  /** The characters of a string; an error for any other type. */
  static String string(Object value, String user) {
    if (isString(value)) {
      return text(value);
    }
    throw wrongType(value, user, "a string");
  }

  /** The value of an integer; an error for any other type. */
  static long integer(Object value, String user) {
    if (value instanceof Long n) {
      return n;
    } else if (value instanceof Boolean b) {
      return b ? 1 : 0;
    }
    throw wrongType(value, user, "an integer");
  }

  static TemplateException wrongType(Object value, String user, String wanted) {
    return value instanceof Undefined undefined
        ? undefined.failure()
        : new TemplateException("%s needs %s, got '%s'".formatted(user, wanted, typeName(value)));
  }

  /** {@code str(value)}. */
  static String text(Object value) {
    if (value instanceof String s) {
      return s;
    } else if (value instanceof Markup m) {
      return m.text();
    } else if (value instanceof Undefined) {
      return "";
    }
    return repr(value);
  }

  /** {@code repr(value)}. */
  static String repr(Object value) {
    if (value == null) {
      return "None";
    } else if (value instanceof Boolean b) {
      return b ? "True" : "False";
    } else if (value instanceof Long n) {
      return n.toString();
    } else if (value instanceof Double d) {
      return PythonFloat.repr(d);
    } else if (value instanceof String s) {
      return PythonText.repr(s);
    } else if (value instanceof Markup m) {
      return "Markup(" + PythonText.repr(m.text()) + ")";
    } else if (value instanceof Undefined) {
      return "Undefined";
    } else if (value instanceof List || value instanceof Map) {
      StringBuilder out = new StringBuilder();
      write(value, out);
      return out.toString();
    }
    // Python would print an address, which no template can mean.
    throw new TemplateException("a value of type '%s' has no text".formatted(typeName(value)));
  }

  /** Writes a value's repr, counting as it grows: a list may hold a long text many times. */
  private static void write(Object value, StringBuilder out) {
    if (value instanceof List<?> list) {
      boolean isTuple = value instanceof Tuple;
      out.append(isTuple ? '(' : '[');
      String separator = "";
      for (Object item : list) {
        out.append(separator);
        write(item, out);
        separator = ", ";
      }
      out.append(isTuple ? list.size() == 1 ? ",)" : ")" : "]");
    } else if (value instanceof Map<?, ?> map) {
      out.append('{');
      String separator = "";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        out.append(separator);
        write(entry.getKey(), out);
        out.append(": ");
        write(entry.getValue(), out);
        separator = ", ";
      }
      out.append('}');
    } else {
      out.append(repr(value));
    }
    PythonText.checkLength(out.length());
  }

  static boolean equal(Object a, Object b) {
    if (isNumber(a) && isNumber(b)) {
      return (a instanceof Double || b instanceof Double)
          ? number(a) == number(b)
          : integer(a, "==") == integer(b, "==");
    } else if (isString(a) && isString(b)) {
      return text(a).equals(text(b));
    } else if (a instanceof List<?> left && b instanceof List<?> right) {
      return left instanceof Tuple == right instanceof Tuple && sameItems(left, right);
    } else if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      return left.size() == right.size()
          && left.entrySet().stream()
              .allMatch(
                  entry ->
                      right.containsKey(entry.getKey())
                          && equal(entry.getValue(), right.get(entry.getKey())));
    } else if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    return Objects.equals(a, b);
  }

  private static boolean sameItems(List<?> left, List<?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    for (int i = 0; i < left.size(); i++) {
      if (!equal(left.get(i), right.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** Python counts booleans among the numbers. */
  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static double number(Object value) {
    return value instanceof Double d ? d : (double) integer(value, "arithmetic");
  }

  /** The order of two values; an error where they have none. */
  static int compare(Object a, Object b) {
    if (isNumber(a) && isNumber(b)) {
      return (a instanceof Double || b instanceof Double)
          ? Double.compare(number(a), number(b))
          : Long.compare(integer(a, "<"), integer(b, "<"));
    } else if (isString(a) && isString(b)) {
      return comparePoints(text(a), text(b));
    } else if (a instanceof List<?> left && b instanceof List<?> right) {
      for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
        if (!equal(left.get(i), right.get(i))) {
          return compare(left.get(i), right.get(i));
        }
      }
      return Integer.compare(left.size(), right.size());
    }
    if (a instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw wrongType(b, "an order comparison with '" + typeName(a) + "'", "the same type");
  }

  /** Order by code points: Java's own order is by UTF-16 units. */
  private static int comparePoints(String a, String b) {
    int length = Math.min(a.length(), b.length());
    for (int i = 0; i < length; i++) {
      if (a.charAt(i) != b.charAt(i)) {
        return Integer.compare(point(a, i), point(b, i));
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  private static int point(String text, int index) {
    boolean isSecondHalf =
        index > 0
            && Character.isLowSurrogate(text.charAt(index))
            && Character.isHighSurrogate(text.charAt(index - 1));
    return text.codePointAt(isSecondHalf ? index - 1 : index);
  }

  /** {@code item in container}. */
  static boolean contains(Object container, Object item) {
    if (isString(container)) {
      return text(container).contains(string(item, "'in' with a string on its right"));
    } else if (container instanceof Map<?, ?> map) {
      return map.containsKey(item instanceof Markup m ? m.text() : item);
    }
    for (Iterator<Object> items = iterate(container); items.hasNext(); ) {
      if (equal(items.next(), item)) {
        return true;
      }
    }
    return false;
  }

  static boolean isIterable(Object value) {
    return isString(value)
        || value instanceof List
        || value instanceof Map
        || value instanceof Generator
        || value instanceof Undefined;
  }

  /** The items of a list, keys of a dict, characters of a string; nothing for what is undefined. */
  static Iterator<Object> iterate(Object value) {
    if (value instanceof List<?> list) {
      return Collections.<Object>unmodifiableList(list).iterator();
    } else if (value instanceof Map<?, ?> map) {
      return Collections.<Object>unmodifiableSet(map.keySet()).iterator();
    } else if (isString(value)) {
      return PythonText.characters(text(value)).iterator();
    } else if (value instanceof Generator generator) {
      return generator.items();
    } else if (value instanceof Undefined) {
      return Collections.emptyIterator();
    }
    throw new TemplateException("'%s' object is not iterable".formatted(typeName(value)));
  }

  /** {@code list(value)}. */
  static List<Object> list(Object value) {
    List<Object> items = new ArrayList<>();
    iterate(value).forEachRemaining(items::add);
    return items;
  }

  /** {@code len(value)}. */
  static long length(Object value) {
    if (isString(value)) {
      return PythonText.length(text(value));
    } else if (value instanceof List<?> list) {
      return list.size();
    } else if (value instanceof Map<?, ?> map) {
      return map.size();
    } else if (value instanceof Undefined) {
      return 0;
    }
    throw new TemplateException("object of type '%s' has no len()".formatted(typeName(value)));
  }
}

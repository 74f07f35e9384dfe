package dev.collimate.text.jinja;

import java.util.List;
import java.util.Map;

/** The tests by name: what stands after {@code is}. */
final class Tests {

  /** A test of a value, with the arguments in parentheses. */
  interface Test {
    boolean holds(Object value, Arguments arguments);
  }

  private static final Map<String, Test> TESTS =
      Map.ofEntries(
          Map.entry("boolean", (value, arguments) -> value instanceof Boolean),
          Map.entry("callable", (value, arguments) -> value instanceof Callable),
          Map.entry("defined", (value, arguments) -> !(value instanceof Undefined)),
          Map.entry("divisibleby", (v, a) -> modulo(v, other(a)) == 0),
          Map.entry("escaped", (value, arguments) -> value instanceof Markup),
          Map.entry("even", (value, arguments) -> modulo(value, 2L) == 0),
          Map.entry("false", (value, arguments) -> Boolean.FALSE.equals(value)),
          Map.entry("filter", (v, a) -> Filters.exists(Values.string(v, "'is filter'"))),
          Map.entry("float", (value, arguments) -> value instanceof Double),
          Map.entry("integer", (value, arguments) -> value instanceof Long),
          Map.entry("iterable", (value, arguments) -> Values.isIterable(value)),
          Map.entry("lower", (v, a) -> StringMethods.isLower(Values.text(v))),
          Map.entry("mapping", (value, arguments) -> value instanceof Map),
          Map.entry("none", (value, arguments) -> value == null),
          Map.entry("number", (value, arguments) -> Values.isNumber(value)),
          Map.entry("odd", (value, arguments) -> modulo(value, 2L) == 1),
          Map.entry("sameas", (value, arguments) -> same(value, other(arguments))),
          Map.entry("sequence", (value, arguments) -> isSequence(value)),
          Map.entry("string", (value, arguments) -> Values.isString(value)),
          Map.entry("test", (v, a) -> exists(Values.string(v, "'is test'"))),
          Map.entry("true", (value, arguments) -> Boolean.TRUE.equals(value)),
          Map.entry("undefined", (value, arguments) -> value instanceof Undefined),
          Map.entry("upper", (v, a) -> StringMethods.isUpper(Values.text(v))));

  private static final Map<String, Relation> RELATIONS =
      Map.ofEntries(
          Map.entry("==", Relation.EQUAL),
          Map.entry("eq", Relation.EQUAL),
          Map.entry("equalto", Relation.EQUAL),
          Map.entry("!=", Relation.NOT_EQUAL),
          Map.entry("ne", Relation.NOT_EQUAL),
          Map.entry("<", Relation.LESS),
          Map.entry("lt", Relation.LESS),
          Map.entry("lessthan", Relation.LESS),
          Map.entry("<=", Relation.LESS_OR_EQUAL),
          Map.entry("le", Relation.LESS_OR_EQUAL),
          Map.entry(">", Relation.GREATER),
          Map.entry("gt", Relation.GREATER),
          Map.entry("greaterthan", Relation.GREATER),
          Map.entry(">=", Relation.GREATER_OR_EQUAL),
          Map.entry("ge", Relation.GREATER_OR_EQUAL),
          Map.entry("in", Relation.IN));

  private Tests() {}

  static boolean apply(String name, Object value, Arguments arguments) {
    Relation relation = RELATIONS.get(name);
    if (relation != null) {
      return relation.holds(value, other(arguments));
    }
    Test test = TESTS.get(name);
    if (test == null) {
      throw new TemplateException("there is no test '" + name + "'");
    }
    return test.holds(value, arguments);
  }

  private static boolean exists(String name) {
    return TESTS.containsKey(name) || RELATIONS.containsKey(name);
  }

  private static Object other(Arguments arguments) {
    return arguments.bind("a test", "other").required(0);
  }

  private static double modulo(Object value, Object divisor) {
    return Values.number(Arithmetic.MODULO.apply(value, divisor));
  }

  private static boolean same(Object a, Object b) {
    return a == b
        || (Values.typeName(a).equals(Values.typeName(b)) && isScalar(a) && Values.equal(a, b));
  }

  private static boolean isScalar(Object value) {
    return value == null || Values.isNumber(value) || Values.isString(value);
  }

  private static boolean isSequence(Object value) {
    return Values.isString(value) || value instanceof List || value instanceof Map;
  }
}

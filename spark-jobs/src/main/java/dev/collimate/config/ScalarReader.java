package dev.collimate.config;

import dev.collimate.Range;
import dev.collimate.config.Node.Kind;
import dev.collimate.config.Node.Scalar;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** Single values: type, bounds, and whether the value is built. */
final class ScalarReader {

  /** YAML 1.1 takes {@code 1e-6} for text; people mean the number. */
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?");

  private static final Pattern WHOLE = Pattern.compile("[-+]?\\d{1,18}");

  /**
   * What a value must keep to.
   *
   * @param usual the default in force, for the message
   */
  record Rule(
      String path, String range, List<String> supported, List<String> values, String usual) {
    Rule(String path, Key key, String usual) {
      this(path, key.range(), List.of(key.supported()), List.of(), usual);
    }

    private String remedy() {
      return List.of("null", Key.REQUIRED, "").contains(usual) ? "" : "; usual is " + usual;
    }
  }

  private final Problems problems;

  ScalarReader(Problems problems) {
    this.problems = problems;
  }

  /** The value; where there is a problem, some value of the type. */
  Object read(Class<?> type, Node node, Rule rule) {
    if (type == boolean.class || type == Boolean.class) {
      return flag(node, rule);
    }
    if (type == int.class) {
      return (int) whole(node, rule, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
    if (type == long.class) {
      return whole(node, rule, Long.MIN_VALUE, Long.MAX_VALUE);
    }
    if (type == double.class || type == Double.class) {
      return number(node, rule);
    }
    return type.isEnum() ? constant(type, node, rule) : text(node, rule);
  }

  private boolean flag(Node node, Rule rule) {
    boolean legal = node instanceof Scalar scalar && scalar.kind() == Kind.BOOLEAN;
    if (!legal) {
      refuse(node, rule, "must be true or false");
      return false;
    }
    String text = ((Scalar) node).text().toLowerCase(Locale.ROOT);
    boolean value = List.of("true", "yes", "on").contains(text);
    requireSupported(Boolean.toString(value), node, rule);
    return value;
  }

  private long whole(Node node, Rule rule, long least, long most) {
    String text = node instanceof Scalar scalar ? scalar.text().replace("_", "") : "";
    if (!WHOLE.matcher(text).matches()) {
      refuse(node, rule, "must be a whole number");
      return 0;
    }
    long value = Long.parseLong(text);
    if (value < least || value > most) {
      refuse(node, rule, "must be a whole number of at most " + most);
      return 0;
    }
    requireRange((double) value, node, rule);
    return value;
  }

  private double number(Node node, Rule rule) {
    String text = node instanceof Scalar scalar ? scalar.text().replace("_", "") : "";
    double value = NUMBER.matcher(text).matches() ? Double.parseDouble(text) : Double.NaN;
    if (!Double.isFinite(value)) {
      refuse(node, rule, "must be a number");
      return 0;
    }
    if (requireRange(value, node, rule)) {
      requireSupported(Double.toString(value), node, rule);
    }
    return value;
  }

  private Object constant(Class<?> type, Node node, Rule rule) {
    Enum<?>[] constants = (Enum<?>[]) type.getEnumConstants();
    List<String> names = List.of(constants).stream().map(Names::of).toList();
    String text = oneOf(names, node, rule);
    return List.of(constants).stream()
        .filter(c -> Names.of(c).equals(text))
        .findFirst()
        .orElse(constants[0]);
  }

  private String text(Node node, Rule rule) {
    if (!rule.values().isEmpty()) {
      return oneOf(rule.values(), node, rule);
    }
    if (!(node instanceof Scalar scalar) || scalar.text().isBlank()) {
      refuse(node, rule, "must be a text");
      return "";
    }
    requireSupported(scalar.text(), node, rule);
    return scalar.text();
  }

  private String oneOf(List<String> names, Node node, Rule rule) {
    String text = node instanceof Scalar scalar ? scalar.text() : "";
    if (names.contains(text)) {
      requireSupported(text, node, rule);
      return text;
    }
    Optional<String> nearest = Names.nearest(text, names);
    problems.add(
        rule.path(),
        "must be " + Names.either(names) + ", got " + node.quoted(),
        node.place(),
        nearest.map(n -> "; nearest is " + n).orElse(rule.remedy()));
    return names.get(0);
  }

  private boolean requireRange(double value, Node node, Rule rule) {
    boolean holds = new Range(rule.range()).holds(value);
    if (!holds) {
      refuse(node, rule, "must be " + rule.range());
    }
    return holds;
  }

  private void requireSupported(String value, Node node, Rule rule) {
    if (!rule.supported().isEmpty() && !rule.supported().contains(value)) {
      boolean leaveOut = rule.supported().contains("null");
      problems.add(
          rule.path(),
          node.quoted() + " is not supported yet",
          node.place(),
          leaveOut ? "; leave it out" : "; supported is " + Names.either(rule.supported()));
    }
  }

  private void refuse(Node node, Rule rule, String must) {
    problems.add(rule.path(), must + ", got " + node.quoted(), node.place(), rule.remedy());
  }
}

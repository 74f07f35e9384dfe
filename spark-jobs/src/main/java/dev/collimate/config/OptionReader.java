package dev.collimate.config;

import dev.collimate.config.Node.Items;
import dev.collimate.objective.ObjectiveOption;
import java.util.ArrayList;
import java.util.List;

/** Values of options that a table declares, of objectives and of rewards. */
final class OptionReader {

  private final String section;
  private final Problems problems;
  private final ScalarReader scalars;

  /**
   * @param section dotted key of the section that holds them
   */
  OptionReader(String section, Problems problems) {
    this.section = section;
    this.problems = problems;
    this.scalars = new ScalarReader(problems);
  }

  /** A value; where it is not legal there is a problem, and it is some legal one. */
  Object value(ObjectiveOption option, Node node) {
    ScalarReader.Rule rule = rule(option);
    return switch (option.kind()) {
      case FLAG -> scalars.read(Boolean.class, node, rule);
      case NUMBER -> scalars.read(Double.class, node, rule);
      case CHOICE, NUMBER_OR_WORD -> scalars.read(String.class, node, rule);
      case TEXT -> isEmptyByDefault(option, node) ? "" : scalars.read(String.class, node, rule);
      case CHOICES ->
          node instanceof Items items
              ? oneOrSeveral(items, rule)
              : scalars.read(String.class, node, rule);
      case NUMBERS -> numbers(node, rule);
    };
  }

  /** A resolved run file says what is not there as an empty text. */
  private static boolean isEmptyByDefault(ObjectiveOption option, Node node) {
    return option.usual().equals("")
        && node instanceof Node.Scalar scalar
        && scalar.text().isEmpty();
  }

  /** A list of one name is that name: the same run. */
  private Object oneOrSeveral(Items items, ScalarReader.Rule rule) {
    if (items.items().isEmpty()) {
      problems.add(rule.path(), "must name at least one value", items.place());
      return rule.values().get(0);
    }
    List<Object> names = all(String.class, items, rule);
    return names.size() == 1 ? names.get(0) : names;
  }

  private List<Object> numbers(Node node, ScalarReader.Rule rule) {
    if (node instanceof Items items) {
      return all(Double.class, items, rule);
    }
    problems.add(
        rule.path(),
        "must be a list of numbers such as [1.0, 0.5], got " + node.quoted(),
        node.place());
    return List.of();
  }

  private List<Object> all(Class<?> type, Items items, ScalarReader.Rule rule) {
    List<Object> values = new ArrayList<>();
    for (Node item : items.items()) {
      values.add(scalars.read(type, item, rule.ofItem(values.size())));
    }
    return values;
  }

  private ScalarReader.Rule rule(ObjectiveOption option) {
    return new ScalarReader.Rule(
        Names.join(section, option.name()),
        option.range(),
        option.supported(),
        option.values(),
        option.usual().toString());
  }
}

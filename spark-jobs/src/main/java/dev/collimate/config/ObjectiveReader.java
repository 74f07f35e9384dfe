package dev.collimate.config;

import dev.collimate.config.Node.Fields;
import dev.collimate.config.Node.Items;
import dev.collimate.config.Node.Scalar;
import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Options;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The {@code objective} section, whose keys depend on its {@code name}. */
final class ObjectiveReader {

  private static final String SECTION = "objective";

  private final Problems problems;
  private final ScalarReader scalars;

  ObjectiveReader(Problems problems) {
    this.problems = problems;
    this.scalars = new ScalarReader(problems);
  }

  /** Where the objective cannot be told, its name is empty. */
  ObjectiveConfig read(Fields document) {
    ObjectiveConfig none = new ObjectiveConfig("", Map.of());
    Optional<Node> given = document.get(SECTION);
    if (given.isEmpty()) {
      problems.add(
          SECTION, "is missing", document.place(), "; such as objective: {name: dpo, beta: 0.1}");
      return none;
    }
    if (!(given.get() instanceof Fields fields)) {
      problems.add(
          SECTION,
          "must be a section of keys, got " + given.get().quoted(),
          given.get().place(),
          "; such as objective: {name: dpo, beta: 0.1}");
      return none;
    }
    return find(fields).map(spec -> options(spec, fields)).orElse(none);
  }

  private Optional<ObjectiveSpec> find(Fields fields) {
    String key = SECTION + ".name";
    String built = Names.either(ObjectiveKeys.names());
    Optional<Node> node = fields.get("name");
    if (node.isEmpty()) {
      problems.add(key, "is missing", fields.place(), "; supported is " + built);
      return Optional.empty();
    }
    String name = node.get() instanceof Scalar scalar ? scalar.text() : "";
    Optional<ObjectiveSpec> spec = Objectives.find(name);
    if (spec.isEmpty() && Objectives.notBuilt().contains(name)) {
      problems.add(
          key,
          "'" + name + "' is not supported yet",
          node.get().place(),
          "; supported is " + built);
    } else if (spec.isEmpty()) {
      String nearest =
          Names.nearest(name, ObjectiveKeys.names()).map(n -> "; nearest is " + n).orElse("");
      problems.add(
          key, "must be " + built + ", got " + node.get().quoted(), node.get().place(), nearest);
    }
    return spec;
  }

  private ObjectiveConfig options(ObjectiveSpec spec, Fields fields) {
    Map<String, Object> values = new LinkedHashMap<>(spec.defaults());
    int before = problems.count();
    fields
        .fields()
        .forEach(
            (name, field) -> {
              Optional<ObjectiveOption> option = spec.option(name);
              if (option.isPresent() && !field.value().isNull()) {
                values.put(name, value(option.get(), field.value()));
              } else if (option.isEmpty() && !name.equals("name")) {
                refuse(spec, name, field.place());
              }
            });
    if (problems.count() == before) {
      checkTogether(spec, fields, new Options(values));
    }
    return new ObjectiveConfig(spec.name(), values);
  }

  /** What an option does, and may be, beside the values of the others. */
  private void checkTogether(ObjectiveSpec spec, Fields fields, Options values) {
    for (ObjectiveOption option : spec.options()) {
      if (fields.get(option.name()).isPresent() && !option.hasEffect(values)) {
        ObjectiveOption.Effect effect = option.effect().orElseThrow();
        problems.add(
            Names.join(SECTION, option.name()),
            "has no effect with %s %s"
                .formatted(effect.option(), Names.either(values.texts(effect.option()))),
            fields.fields().get(option.name()).place(),
            "; it belongs to " + Names.either(effect.values()));
      }
    }
    for (ObjectiveSpec.Rule rule : spec.rules()) {
      if (!rule.holds().test(values)) {
        String place =
            Optional.ofNullable(fields.fields().get(rule.option()))
                .map(Node.Field::place)
                .orElse(fields.place());
        problems.add(Names.join(SECTION, rule.option()), rule.must(), place);
      }
    }
  }

  private Object value(ObjectiveOption option, Node node) {
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

  private static ScalarReader.Rule rule(ObjectiveOption option) {
    return new ScalarReader.Rule(
        Names.join(SECTION, option.name()),
        option.range(),
        option.supported(),
        option.values(),
        option.usual().toString());
  }

  private void refuse(ObjectiveSpec spec, String name, String place) {
    List<String> knowing = ObjectiveKeys.knowing(name);
    if (knowing.isEmpty()) {
      RunFileReader.unknownKey(problems, SECTION, name, place);
    } else {
      problems.add(
          Names.join(SECTION, name),
          "has no effect on " + spec.name(),
          place,
          "; it belongs to " + Names.either(knowing));
    }
  }
}

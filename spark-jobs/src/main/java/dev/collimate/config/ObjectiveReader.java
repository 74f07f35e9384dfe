package dev.collimate.config;

import dev.collimate.config.Node.Fields;
import dev.collimate.config.Node.Scalar;
import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Options;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The {@code objective} section, whose keys depend on its {@code name}. */
final class ObjectiveReader {

  private static final String SECTION = "objective";

  private final Problems problems;

  ObjectiveReader(Problems problems) {
    this.problems = problems;
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
    OptionReader reader = new OptionReader(SECTION, problems);
    int before = problems.count();
    fields
        .fields()
        .forEach(
            (name, field) -> {
              Optional<ObjectiveOption> option = spec.option(name);
              if (option.isPresent() && !field.value().isNull()) {
                values.put(name, reader.value(option.get(), field.value()));
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

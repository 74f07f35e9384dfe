package dev.collimate.config;

import dev.collimate.config.Node.Fields;
import dev.collimate.config.Node.Items;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Fills the records from a document. A value with a problem is replaced by the key's default, so
 * that reading goes on and finds the rest.
 */
final class RunFileReader {

  private final Problems problems;
  private final ScalarReader scalars;

  /** Name of the chosen objective; some defaults depend on it. */
  private String objective = "";

  RunFileReader(Problems problems) {
    this.problems = problems;
    this.scalars = new ScalarReader(problems);
  }

  RunConfig read(Fields document) {
    ObjectiveConfig objectiveConfig = new ObjectiveReader(problems).read(document);
    objective = objectiveConfig.name();
    RunConfig config = section(RunConfig.class, document, "");
    RunConfig whole =
        new RunConfig(
            config.model(),
            config.referenceModel(),
            config.valueModel(),
            config.output(),
            config.seed(),
            config.data(),
            objectiveConfig,
            config.rounds(),
            config.adapter(),
            config.rollout(),
            new RewardReader(problems).read(document),
            config.train(),
            config.saveDtype(),
            config.reference(),
            config.cluster(),
            config.report());
    new RunRules(document, problems).check(whole);
    return whole;
  }

  private <T extends Record> T section(Class<T> type, Fields fields, String path) {
    refuseUnknownKeys(type, fields, path);
    List<Object> values = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      values.add(component(component, fields, path));
    }
    return Records.create(type, values);
  }

  private void refuseUnknownKeys(Class<?> type, Fields fields, String path) {
    List<String> known =
        List.of(type.getRecordComponents()).stream().map(c -> Names.key(c.getName())).toList();
    fields
        .fields()
        .forEach(
            (name, field) -> {
              if (!known.contains(name)) {
                unknownKey(problems, path, name, field.place());
              }
            });
  }

  static void unknownKey(Problems problems, String section, String name, String place) {
    String key = Names.join(section, name);
    Optional<String> explanation = ForeignKeys.explain(name);
    if (explanation.isPresent()) {
      problems.add(key, explanation.get(), place);
    } else {
      String remedy =
          KnownKeys.nearest(section.replaceAll("\\.\\d+$", "[]"), name)
              .map(nearest -> "; nearest is " + nearest)
              .orElse("");
      problems.add(key, "unknown key", place, remedy);
    }
  }

  private Object component(RecordComponent component, Fields fields, String section) {
    if (component.getType() == ObjectiveConfig.class) {
      return new ObjectiveConfig("", Map.of());
    }
    if (KnownKeys.nested(component) == RewardSection.class) {
      return List.of();
    }
    Key key = component.getAnnotation(Key.class);
    String name = Names.key(component.getName());
    String path = Names.join(section, name);
    if (component.getType() == OptionalInt.class && fields.isNull(name)) {
      // A limit with a default is lifted by null; for the others null is the default.
      return OptionalInt.empty();
    }
    Optional<Node> given = fields.get(name);
    if (given.isPresent()) {
      int before = problems.count();
      Object value = value(component, key, given.get(), path);
      if (problems.count() == before || KnownKeys.nested(component).isRecord()) {
        return value;
      }
    }
    return usual(component, key, fields, path, given.isEmpty());
  }

  private Object usual(
      RecordComponent component, Key key, Fields fields, String path, boolean missing) {
    String usual = usual(key);
    if (!usual.equals(Key.REQUIRED)) {
      Problems none = new Problems();
      return value(component, key, RunFile.value(usual, "default", none), path);
    }
    if (component.getType().isRecord()) {
      return section(
          component.getType().asSubclass(Record.class), Fields.empty(fields.place()), path);
    }
    if (missing) {
      problems.add(
          path, "is missing", fields.place(), "; " + key.meaning().replaceFirst("\\.$", ""));
    }
    return component.getType() == List.class ? List.of() : "";
  }

  private String usual(Key key) {
    for (String special : key.usualFor()) {
      if (special.startsWith(objective + ": ")) {
        return special.substring(objective.length() + 2);
      }
    }
    return key.usual();
  }

  private Object value(RecordComponent component, Key key, Node node, String path) {
    Class<?> type = component.getType();
    Class<?> content = KnownKeys.nested(component);
    if (type == List.class) {
      return content.isRecord() ? sections(content, node, path) : texts(node, path);
    }
    if (type == Map.class) {
      return textMap(node, path);
    }
    if (content.isRecord()) {
      return record(type, content, node, path);
    }
    ScalarReader.Rule rule = new ScalarReader.Rule(path, key, usual(key));
    if (type == Optional.class) {
      return node.isNull() ? Optional.empty() : Optional.of(scalars.read(content, node, rule));
    }
    if (type == OptionalInt.class) {
      return node.isNull()
          ? OptionalInt.empty()
          : OptionalInt.of((Integer) scalars.read(int.class, node, rule));
    }
    return scalars.read(type, node, rule);
  }

  private Object record(Class<?> type, Class<?> content, Node node, String path) {
    if (type == Optional.class && node.isNull()) {
      return Optional.empty();
    }
    Fields fields = Fields.empty(node.place());
    if (node instanceof Fields given) {
      fields = given;
    } else {
      problems.add(path, "must be a section of keys, got " + node.quoted(), node.place());
    }
    Record section = section(content.asSubclass(Record.class), fields, path);
    return type == Optional.class ? Optional.of(section) : section;
  }

  private List<Object> sections(Class<?> content, Node node, String path) {
    if (!(node instanceof Items list)) {
      problems.add(path, "must be a list such as [{path: …}], got " + node.quoted(), node.place());
      return List.of();
    }
    List<Object> sections = new ArrayList<>();
    for (int i = 0; i < list.items().size(); i++) {
      sections.add(record(content, content, list.items().get(i), path + "." + i));
    }
    return sections;
  }

  private List<String> texts(Node node, String path) {
    if (node instanceof Node.Scalar scalar) {
      return List.of(scalar.text());
    }
    List<String> texts = new ArrayList<>();
    if (node instanceof Items list && list.items().stream().anyMatch(Node::isNull)) {
      problems.add(path, "must be a list of names, one of them is null", node.place());
    } else if (node instanceof Items list
        && list.items().stream().allMatch(Node.Scalar.class::isInstance)) {
      list.items().forEach(item -> texts.add(((Node.Scalar) item).text()));
    } else {
      problems.add(path, "must be a list of names, got " + node.quoted(), node.place());
    }
    return texts;
  }

  private Map<String, String> textMap(Node node, String path) {
    Map<String, String> texts = new LinkedHashMap<>();
    if (!(node instanceof Fields fields)) {
      problems.add(path, "must be a section of keys, got " + node.quoted(), node.place());
      return texts;
    }
    fields
        .fields()
        .forEach(
            (name, field) -> {
              if (field.value().isNull()) {
                return;
              }
              if (field.value() instanceof Node.Scalar scalar) {
                texts.put(name, scalar.text());
              } else {
                problems.add(
                    Names.join(path, name),
                    "must be a single value, got " + field.value().quoted(),
                    field.place());
              }
            });
    return texts;
  }
}

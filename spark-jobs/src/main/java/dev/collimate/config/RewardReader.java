package dev.collimate.config;

import dev.collimate.config.Node.Field;
import dev.collimate.config.Node.Fields;
import dev.collimate.config.Node.Items;
import dev.collimate.config.Node.Scalar;
import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Options;
import dev.collimate.reward.RewardFunctions;
import dev.collimate.reward.RewardSpec;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** The {@code rewards}, whose keys depend on their {@code name}. */
final class RewardReader {

  private static final String LIST = "rewards";
  private static final String EXAMPLE = "; such as rewards: [{name: number_match}]";

  private final Problems problems;
  private final ScalarReader scalars;

  RewardReader(Problems problems) {
    this.problems = problems;
    this.scalars = new ScalarReader(problems);
  }

  List<RewardSection> read(Fields document) {
    Optional<Node> given = document.get(LIST);
    if (given.isEmpty()) {
      return List.of();
    }
    if (!(given.get() instanceof Items items)) {
      problems.add(
          LIST, "must be a list, got " + given.get().quoted(), given.get().place(), EXAMPLE);
      return List.of();
    }
    List<RewardSection> rewards = new ArrayList<>();
    Set<String> labels = new HashSet<>();
    for (int i = 0; i < items.items().size(); i++) {
      String path = Names.join(LIST, Integer.toString(i));
      Node item = items.items().get(i);
      if (!(item instanceof Fields fields)) {
        problems.add(
            path, "must be a section of keys, got " + item.quoted(), item.place(), EXAMPLE);
        continue;
      }
      Optional<RewardSection> reward = spec(path, fields).map(s -> section(path, s, fields));
      if (reward.isPresent() && !labels.add(reward.get().shownAs())) {
        problems.add(
            Names.join(path, "label"),
            "'%s' is taken by another reward".formatted(reward.get().shownAs()),
            fields.place(),
            "; give each a label of its own");
      }
      reward.ifPresent(rewards::add);
    }
    return rewards;
  }

  private Optional<RewardSpec> spec(String path, Fields fields) {
    String key = Names.join(path, "name");
    List<String> names = RewardFunctions.table().stream().map(RewardSpec::name).toList();
    Optional<Node> node = fields.get("name");
    if (node.isEmpty()) {
      problems.add(key, "is missing", fields.place(), "; there is " + Names.either(names));
      return Optional.empty();
    }
    String name = node.get() instanceof Scalar scalar ? scalar.text() : "";
    Optional<RewardSpec> spec = RewardFunctions.find(name);
    if (spec.isEmpty()) {
      String nearest = Names.nearest(name, names).map(n -> "; nearest is " + n).orElse("");
      problems.add(
          key,
          "must be %s, or the name of a class in a jar given with --jars, got %s"
              .formatted(Names.either(names), node.get().quoted()),
          node.get().place(),
          nearest);
    }
    return spec;
  }

  private RewardSection section(String path, RewardSpec spec, Fields fields) {
    Map<String, Object> options = new LinkedHashMap<>(spec.defaults());
    OptionReader reader = new OptionReader(path, problems);
    int before = problems.count();
    fields
        .fields()
        .forEach(
            (name, field) -> {
              Optional<ObjectiveOption> option = spec.option(name);
              if (option.isPresent() && !field.value().isNull()) {
                options.put(name, reader.value(option.get(), field.value()));
              } else if (option.isEmpty() && component(name).isEmpty()) {
                unknown(path, spec, name, field);
              }
            });
    if (problems.count() == before) {
      checkTogether(path, spec, fields, new Options(options));
    }
    return new RewardSection(
        spec.name(),
        read(path, "label", String.class, fields),
        read(path, "weight", Double.class, fields).orElse(1.0),
        read(path, "timeout", Double.class, fields),
        whole(path, "batch_size", fields),
        whole(path, "concurrency", fields),
        options);
  }

  private void unknown(String path, RewardSpec spec, String name, Field field) {
    List<String> known =
        new ArrayList<>(spec.options().stream().map(ObjectiveOption::name).toList());
    for (RecordComponent component : RewardSection.class.getRecordComponents()) {
      known.add(Names.key(component.getName()));
    }
    known.remove("options");
    problems.add(
        Names.join(path, name),
        "is no key of the reward " + spec.name(),
        field.place(),
        Names.nearest(name, known)
            .map(nearest -> "; nearest is " + nearest)
            .orElse("; it has " + Names.either(known)));
  }

  private void checkTogether(String path, RewardSpec spec, Fields fields, Options values) {
    for (ObjectiveSpec.Rule rule : spec.rules()) {
      if (!rule.holds().test(values)) {
        problems.add(Names.join(path, rule.option()), rule.must(), fields.place());
      }
    }
  }

  private static Optional<Key> component(String name) {
    for (RecordComponent component : RewardSection.class.getRecordComponents()) {
      if (Names.key(component.getName()).equals(name)) {
        return Optional.ofNullable(component.getAnnotation(Key.class));
      }
    }
    return Optional.empty();
  }

  private <T> Optional<T> read(String path, String name, Class<T> type, Fields fields) {
    Optional<Node> node = fields.get(name);
    Key key = component(name).orElseThrow();
    return node.map(
        given ->
            type.cast(
                scalars.read(
                    type, given, new ScalarReader.Rule(Names.join(path, name), key, key.usual()))));
  }

  private OptionalInt whole(String path, String name, Fields fields) {
    Optional<Node> node = fields.get(name);
    Key key = component(name).orElseThrow();
    if (node.isEmpty()) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(
        (Integer)
            scalars.read(
                int.class,
                node.get(),
                new ScalarReader.Rule(Names.join(path, name), key, key.usual())));
  }
}

package dev.collimate.objective;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The table of objectives: what can be named in a run file, and how it is checked and made. */
public final class Objectives {

  private static final List<ObjectiveSpec> TABLE = List.of(Sft.SPEC, Dpo.SPEC);

  /** TRL's names that are not built yet. */
  private static final List<String> LATER =
      List.of(
          "reward",
          "kto",
          "bco",
          "orpo",
          "cpo",
          "simpo",
          "alphapo",
          "apo_zero_unpaired",
          "ppo",
          "grpo",
          "rloo",
          "online_dpo",
          "xpo",
          "nash_md",
          "tpo",
          "prm",
          "gkd");

  private Objectives() {}

  public static List<ObjectiveSpec> table() {
    return TABLE;
  }

  /**
   * Everything that is wrong with an objective's section.
   *
   * @param name the value of {@code objective.name}
   * @param options the section's other keys
   * @return one sentence each, beginning with the key; empty where all is well
   */
  public static List<String> problems(String name, Map<String, Object> options) {
    Optional<ObjectiveSpec> found = find(name);
    if (found.isEmpty()) {
      return List.of(unknownName(name));
    }
    List<String> problems = new ArrayList<>();
    options.forEach((key, value) -> problem(found.get(), key, value).ifPresent(problems::add));
    return problems;
  }

  /** The section's options with defaults filled in, in the order of the table. */
  public static Options resolve(String name, Map<String, Object> options) {
    List<String> problems = problems(name, options);
    if (!problems.isEmpty()) {
      throw CollimateException.usage(String.join("; ", problems));
    }
    Map<String, Object> values = new LinkedHashMap<>();
    find(name)
        .orElseThrow()
        .supportedOptions()
        .forEach(
            option ->
                values.put(
                    option.name(), options.getOrDefault(option.name(), option.defaultValue())));
    return new Options(values);
  }

  /** Makes the objective; a usage error names every problem. */
  public static Objective create(String name, Map<String, Object> options) {
    Options resolved = resolve(name, options);
    return find(name).orElseThrow().create().apply(resolved);
  }

  private static Optional<ObjectiveSpec> find(String name) {
    return TABLE.stream().filter(spec -> spec.name().equals(name)).findFirst();
  }

  private static String names() {
    return TABLE.stream().map(ObjectiveSpec::name).collect(Collectors.joining(", "));
  }

  private static String unknownName(String name) {
    if (LATER.contains(name)) {
      return "objective.name: '" + name + "' is not supported yet; supported are " + names();
    }
    List<String> known = new ArrayList<>(TABLE.stream().map(ObjectiveSpec::name).toList());
    known.addAll(LATER);
    return "objective.name: '"
        + name
        + "' is unknown"
        + NearestName.hint(name, known)
        + "; supported are "
        + names();
  }

  private static Optional<String> problem(ObjectiveSpec spec, String key, Object value) {
    Optional<OptionSpec> option = spec.option(key);
    if (option.isPresent()) {
      return option.get().problem(value).map(text -> "objective." + key + ": " + text);
    }
    List<String> owners =
        TABLE.stream()
            .filter(other -> other.option(key).isPresent())
            .map(ObjectiveSpec::name)
            .toList();
    if (!owners.isEmpty()) {
      return Optional.of(
          "objective."
              + key
              + ": has no effect on "
              + spec.name()
              + "; it belongs to "
              + String.join(", ", owners));
    }
    List<String> known = spec.supportedOptions().map(OptionSpec::name).toList();
    return Optional.of("objective." + key + ": unknown key" + NearestName.hint(key, known));
  }
}

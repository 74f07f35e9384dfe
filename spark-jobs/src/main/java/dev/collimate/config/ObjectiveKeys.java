package dev.collimate.config;

import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import java.util.List;

/** The table of objectives as the run file sees it. */
final class ObjectiveKeys {

  private ObjectiveKeys() {}

  static List<String> names() {
    return Objectives.table().stream().map(ObjectiveSpec::name).toList();
  }

  static List<String> needingReference() {
    return Objectives.table().stream()
        .filter(ObjectiveSpec::needsReference)
        .map(ObjectiveSpec::name)
        .toList();
  }

  /** The objectives that know an option. */
  static List<String> knowing(String option) {
    return Objectives.table().stream()
        .filter(spec -> spec.option(option).isPresent())
        .map(ObjectiveSpec::name)
        .toList();
  }
}

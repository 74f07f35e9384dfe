package dev.collimate.config;

import dev.collimate.config.Node.Field;
import dev.collimate.config.Node.Fields;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import java.util.List;
import java.util.Optional;

/** Rules over the keys of objectives that learn from completions which the policy writes. */
final class OnlineRules {

  private static final String SECTION = "rollout";
  private static final String REWARDS = "rewards";

  /** Keys that belong to one way of choosing prompts. */
  static final List<String> OF_VADE =
      List.of("rollout.prior_decay_global", "rollout.prior_decay_local");

  private final Fields document;
  private final Problems problems;

  OnlineRules(Fields document, Problems problems) {
    this.document = document;
    this.problems = problems;
  }

  /** The keys that have an effect on online objectives alone. */
  static List<String> keys() {
    return KnownKeys.all().stream()
        .map(KnownKeys.KnownKey::path)
        .filter(path -> path.equals(REWARDS) || path.startsWith(SECTION + "."))
        .toList();
  }

  static boolean isOnline(RunConfig config) {
    return config.objective().declaration().filter(Declaration::isOnline).isPresent();
  }

  void check(RunConfig config) {
    if (config.objective().name().isEmpty() || !problems.free("objective")) {
      return;
    }
    if (!isOnline(config)) {
      refuse(config.objective().name());
      return;
    }
    if (config.rewards().isEmpty() && problems.free(REWARDS)) {
      problems.add(
          REWARDS, "is missing", document.place(), "; such as rewards: [{name: number_match}]");
    }
    if (problems.free("train.global_batch_size", SECTION)) {
      checkSizes(config);
      checkSampler(config);
    }
  }

  private void refuse(String objective) {
    given(REWARDS).ifPresent(field -> refuse(REWARDS, objective, field));
    if (given(SECTION).map(Field::value).orElse(null) instanceof Fields rollout) {
      rollout
          .fields()
          .forEach(
              (name, field) -> {
                if (!field.value().isNull()) {
                  refuse(Names.join(SECTION, name), objective, field);
                }
              });
    }
  }

  private void refuse(String key, String objective, Field field) {
    problems.add(
        key,
        "has no effect on " + objective,
        field.place(),
        "; it belongs to " + Names.either(onlineObjectives()));
  }

  private void checkSizes(RunConfig config) {
    int completions = config.train().globalBatchSize();
    int generations = config.objective().numGenerations();
    int steps = config.rollout().stepsPerGeneration();
    if ((long) completions * steps % generations != 0) {
      problems.add(
          "train.global_batch_size",
          "counts completions and must be a multiple of objective.num_generations, which is %d, got %d"
              .formatted(generations, completions),
          document.place());
    }
    if (steps > generations) {
      problems.add(
          "rollout.steps_per_generation",
          "must be <= objective.num_generations, which is %d, got %d".formatted(generations, steps),
          document.place(),
          "; a rollout of one prompt must have a completion for every step");
    }
    if (config.train().hasLocalSteps()) {
      problems.add(
          "train.sync_every",
          "must be 1 for " + config.objective().name(),
          document.place(),
          "; replicas with local steps write no completions");
    }
  }

  private void checkSampler(RunConfig config) {
    if (config.rollout().vade().isPresent()) {
      if (problems.free(REWARDS) && config.rewards().stream().noneMatch(r -> r.weight() > 0)) {
        problems.add(
            "rollout.sampler",
            "vade needs a reward of weight above 0",
            document.place(),
            "; it counts rewards between 0 and 1 as successes");
      }
      return;
    }
    if (given(SECTION).map(Field::value).orElse(null) instanceof Fields rollout) {
      rollout
          .fields()
          .forEach(
              (name, field) -> {
                String key = Names.join(SECTION, name);
                if (OF_VADE.contains(key) && !field.value().isNull()) {
                  problems.add(
                      key,
                      "has no effect with sampler in_turn",
                      field.place(),
                      "; it belongs to vade");
                }
              });
    }
  }

  private static List<String> onlineObjectives() {
    return Objectives.table().stream()
        .filter(spec -> spec.declaration(spec.defaults()).isOnline())
        .map(ObjectiveSpec::name)
        .toList();
  }

  private Optional<Field> given(String key) {
    return Optional.ofNullable(document.fields().get(key)).filter(field -> !field.value().isNull());
  }
}

package dev.collimate.config;

import dev.collimate.config.Node.Field;
import dev.collimate.config.Node.Fields;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Online;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Rules over the keys of objectives that learn from completions which the policy writes. */
final class OnlineRules {

  private static final String SECTION = "rollout";
  private static final String REWARDS = "rewards";

  /** Keys of how the policy draws completions. */
  private static final List<String> OF_DRAWS = List.of("rollout.top_k", "rollout.top_p");

  private static final String CORRECTION = "rollout.importance_sampling_correction";

  /** Keys of completions that the rows bring. */
  private static final List<String> OF_GIVEN =
      List.of(CORRECTION, "rollout.importance_sampling_mode", "rollout.importance_sampling_cap");

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

  /** The keys of an online objective that have no effect beside the values of others. */
  static List<String> withoutEffect(RunConfig config) {
    if (!isOnline(config)) {
      return keys();
    }
    List<String> keys = new ArrayList<>(config.rollout().isGiven() ? OF_DRAWS : OF_GIVEN);
    if (config.rollout().isGiven() && !config.rollout().isCorrected()) {
      keys.addAll(OF_GIVEN.subList(1, OF_GIVEN.size()));
    }
    return keys;
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
    }
    if (problems.free(SECTION)) {
      checkSource(config);
    }
  }

  private void checkSource(RunConfig config) {
    RolloutSection rollout = config.rollout();
    String why =
        !rollout.isGiven() ? "while rollout.source is policy" : "while " + CORRECTION + " is false";
    for (String key : withoutEffect(config)) {
      String because = OF_DRAWS.contains(key) ? "while rollout.source is data" : why;
      rollout(key)
          .ifPresent(
              field ->
                  problems.add(key, "has no effect " + because, field.place(), "; leave it out"));
    }
    if (rollout.isGiven()
        && Objectives.create(config.objective().name(), config.objective().options())
            instanceof Online online
        && !online.answers().isEmpty()) {
      problems.add(
          "rollout.source",
          "must be policy for " + config.objective().name() + ", got data",
          document.place(),
          "; it learns from the rows' pairs and from completions of its own");
    }
    boolean isByToken = !rollout.importanceSamplingMode().isBySequence();
    if (rollout.isCorrected()
        && isByToken
        && Objectives.create(config.objective().name(), config.objective().options())
            instanceof Online online
        && !online.hasTokenLosses()) {
      problems.add(
          "rollout.importance_sampling_mode",
          "must be sequence_truncate or sequence_mask for %s, whose loss is one of the whole completion, got %s"
              .formatted(config.objective().name(), Names.of(rollout.importanceSamplingMode())),
          document.place());
    }
  }

  private Optional<Field> rollout(String key) {
    return document.get(SECTION).orElse(null) instanceof Fields section
        ? Optional.ofNullable(section.fields().get(Names.last(key)))
            .filter(field -> !field.value().isNull())
        : Optional.empty();
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

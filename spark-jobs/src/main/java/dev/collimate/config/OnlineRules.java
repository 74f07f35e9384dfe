package dev.collimate.config;

import dev.collimate.config.Node.Field;
import dev.collimate.config.Node.Fields;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Online;
import dev.collimate.text.RowShape;
import java.util.List;
import java.util.Optional;

/** Rules over the keys of objectives that learn from completions which the policy writes. */
final class OnlineRules {

  private static final String SECTION = "rollout";
  private static final String REWARDS = "rewards";

  private final Fields document;
  private final Problems problems;

  OnlineRules(Fields document, Problems problems) {
    this.document = document;
    this.problems = problems;
  }

  /** Those of them that say how completions become steps, which in rounds they do not. */
  private static final List<String> OF_STEPS =
      List.of("rollout.batch_size", "rollout.num_iterations", "rollout.steps_per_generation");

  private static final String OF_ROUNDS = "rollout.num_generations";

  /** Keys of completions that have no effect on a run. */
  static List<String> withoutEffect(RunConfig config) {
    if (isOnline(config)) {
      return List.of(OF_ROUNDS);
    }
    return config.rounds() > 0 ? OF_STEPS : keys();
  }

  private static List<String> keys() {
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
      if (config.rounds() > 0) {
        checkRounds(config);
      } else {
        refuse(config.objective().name());
      }
      return;
    }
    if (config.rounds() > 0) {
      problems.add(
          "rounds",
          "has no effect on " + config.objective().name(),
          document.place(),
          "; it writes completions before every step already");
    }
    refuseInRollout(List.of(OF_ROUNDS), "; write objective.num_generations where it is one's");
    requireRewards(config);
    if (problems.free("train.global_batch_size", SECTION)) {
      checkSizes(config);
    }
  }

  private void checkRounds(RunConfig config) {
    boolean isOnPairs =
        config
            .objective()
            .declaration()
            .filter(objective -> objective.shape() == RowShape.PREFERENCE)
            .isPresent();
    if (!isOnPairs) {
      problems.add(
          "rounds",
          "needs an objective on pairs, got " + config.objective().name(),
          document.place(),
          "; such as dpo");
    }
    requireRewards(config);
    refuseInRollout(OF_STEPS, "; a round writes every prompt's completions by themselves");
    if (config.data().train().size() != 1) {
      problems.add(
          "data.train",
          "must be one source of prompts with rounds, got " + config.data().train().size(),
          document.place());
    }
    if (!config.data().eval().isEmpty() || config.data().evalFraction() > 0) {
      problems.add(
          config.data().eval().isEmpty() ? "data.eval_fraction" : "data.eval",
          "has no effect with rounds",
          document.place(),
          "; every round reports the mean reward of the policy that it starts from");
    }
  }

  private void refuseInRollout(List<String> keys, String remedy) {
    if (given(SECTION).map(Field::value).orElse(null) instanceof Fields rollout) {
      rollout
          .fields()
          .forEach(
              (name, field) -> {
                String key = Names.join(SECTION, name);
                if (keys.contains(key) && !field.value().isNull()) {
                  problems.add(key, "has no effect here", field.place(), remedy);
                }
              });
    }
  }

  private void requireRewards(RunConfig config) {
    if (config.rewards().isEmpty() && problems.free(REWARDS)) {
      problems.add(
          REWARDS, "is missing", document.place(), "; such as rewards: [{name: number_match}]");
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
    int rows = config.objective().online().map(Online::rowsPerPrompt).orElse(generations);
    String count =
        config.objective().options().containsKey("num_generations")
            ? "objective.num_generations, which is " + generations
            : "%d, the completions of a prompt of %s"
                .formatted(generations, config.objective().name());
    int steps = config.rollout().stepsPerGeneration();
    if ((long) completions * steps % generations != 0) {
      problems.add(
          "train.global_batch_size",
          "counts completions and must be a multiple of %s, got %d".formatted(count, completions),
          document.place());
    }
    if (steps > rows) {
      problems.add(
          "rollout.steps_per_generation",
          rows == generations
              ? "must be <= %s, got %d".formatted(count, steps)
              : "must be 1 for %s, got %d".formatted(config.objective().name(), steps),
          document.place(),
          rows == generations
              ? "; a rollout of one prompt must have a completion for every step"
              : "; a rollout of one prompt has one row to train on");
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

package dev.collimate.config;

import dev.collimate.config.Node.Field;
import dev.collimate.config.Node.Fields;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Online;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Rules over the keys of objectives that learn from completions which the policy writes. */
final class OnlineRules {

  private static final String SECTION = "rollout";
  private static final String REWARDS = "rewards";
  private static final String VALUES = "value_model";

  /** Keys of how the policy draws completions. */
  private static final List<String> OF_DRAWS = List.of("rollout.top_k", "rollout.top_p");

  private static final String CORRECTION = "rollout.importance_sampling_correction";

  private static final List<String> OF_CORRECTION =
      List.of("rollout.importance_sampling_mode", "rollout.importance_sampling_cap");

  /** Keys of completions that the rows bring. */
  private static final List<String> OF_GIVEN =
      Stream.concat(Stream.of(CORRECTION), OF_CORRECTION.stream()).toList();

  /** Keys that belong to one way of choosing prompts. */
  private static final List<String> OF_VADE =
      List.of("rollout.prior_decay_global", "rollout.prior_decay_local");

  /** Keys that say how completions become steps, which in rounds they do not. */
  private static final List<String> OF_STEPS =
      Stream.concat(
              Stream.of(
                  "rollout.source",
                  "rollout.batch_size",
                  "rollout.num_iterations",
                  "rollout.steps_per_generation",
                  "rollout.sampler"),
              Stream.of(OF_GIVEN, OF_VADE).flatMap(List::stream))
          .toList();

  private static final String OF_ROUNDS = "rollout.num_generations";

  private static final String HERE = "has no effect here";
  private static final String LEAVE_OUT = "; leave it out";

  private final Fields document;
  private final Problems problems;

  OnlineRules(Fields document, Problems problems) {
    this.document = document;
    this.problems = problems;
  }

  /** Keys of completions that have no effect on a run. */
  static List<String> withoutEffect(RunConfig config) {
    if (!isOnline(config)) {
      return Stream.concat(Stream.of(VALUES), (config.rounds() > 0 ? OF_STEPS : keys()).stream())
          .toList();
    }
    RolloutSection rollout = config.rollout();
    List<String> keys = new ArrayList<>(rollout.isGiven() ? OF_DRAWS : OF_GIVEN);
    if (rollout.isGiven() && !rollout.isCorrected()) {
      keys.addAll(OF_CORRECTION);
    }
    if (rollout.vade().isEmpty()) {
      keys.addAll(OF_VADE);
    }
    keys.add(OF_ROUNDS);
    if (!config.objective().learnsValues()) {
      keys.add(VALUES);
    }
    // The reference reads completions one by one.
    keys.add("reference.prefix_sharing");
    return keys;
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
    if (!config.objective().learnsValues()) {
      Predicate<Declaration> learning = each -> each.learned().contains(Quantity.VALUE);
      given(VALUES)
          .ifPresent(
              field -> refuse(VALUES, config.objective().name(), field, objectives(learning)));
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
    refuseInRollout(
        List.of(OF_ROUNDS), HERE, "; write objective.num_generations where it is one's");
    requireRewards(config);
    if (problems.free("train.global_batch_size", SECTION)) {
      checkSizes(config);
    }
    if (problems.free(SECTION)) {
      checkSampler(config);
      checkSource(config);
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
    refuseInRollout(OF_STEPS, HERE, "; a round writes every prompt's completions by themselves");
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

  private void refuseInRollout(List<String> keys, String why, String remedy) {
    if (given(SECTION).map(Field::value).orElse(null) instanceof Fields rollout) {
      rollout
          .fields()
          .forEach(
              (name, field) -> {
                String key = Names.join(SECTION, name);
                if (keys.contains(key) && !field.value().isNull()) {
                  problems.add(key, why, field.place(), remedy);
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

  private void checkSource(RunConfig config) {
    RolloutSection rollout = config.rollout();
    Online objective = config.objective().online().orElseThrow();
    String name = config.objective().name();
    if (!rollout.isGiven()) {
      refuseInRollout(OF_GIVEN, "has no effect while rollout.source is policy", LEAVE_OUT);
      return;
    }
    refuseInRollout(OF_DRAWS, "has no effect while rollout.source is data", LEAVE_OUT);
    if (!rollout.isCorrected()) {
      refuseInRollout(OF_CORRECTION, "has no effect while " + CORRECTION + " is false", LEAVE_OUT);
    }
    if (!objective.answers().isEmpty() || objective.comparesCompletions()) {
      problems.add(
          "rollout.source",
          "must be policy for " + name + ", got data",
          document.place(),
          objective.comparesCompletions()
              ? "; of completions that are there, collimate pair makes pairs for such as dpo"
              : "; it learns from the rows' pairs and from completions of its own");
    } else if (rollout.isCorrected()
        && !rollout.importanceSamplingMode().isBySequence()
        && !objective.hasTokenLosses()) {
      problems.add(
          "rollout.importance_sampling_mode",
          "must be sequence_truncate or sequence_mask for %s, whose loss is one of the whole completion, got %s"
              .formatted(name, Names.of(rollout.importanceSamplingMode())),
          document.place());
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
    refuse(key, objective, field, objectives(Declaration::isOnline));
  }

  private void refuse(String key, String objective, Field field, List<String> others) {
    problems.add(
        key,
        "has no effect on " + objective,
        field.place(),
        "; it belongs to " + Names.either(others));
  }

  private void checkSizes(RunConfig config) {
    int completions = config.train().globalBatchSize();
    int generations = config.objective().numGenerations();
    boolean isOneRow = config.objective().online().orElseThrow().comparesCompletions();
    int rows = isOneRow ? 1 : generations;
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
          isOneRow
              ? "must be 1 for %s, got %d".formatted(config.objective().name(), steps)
              : "must be <= %s, got %d".formatted(count, steps),
          document.place(),
          isOneRow
              ? "; a rollout of one prompt has one row to train on"
              : "; a rollout of one prompt must have a completion for every step");
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
    refuseInRollout(OF_VADE, "has no effect with sampler in_turn", "; it belongs to vade");
  }

  private static List<String> objectives(Predicate<Declaration> wanted) {
    return Objectives.table().stream()
        .filter(spec -> wanted.test(spec.declaration(spec.defaults())))
        .map(ObjectiveSpec::name)
        .toList();
  }

  private Optional<Field> given(String key) {
    return Optional.ofNullable(document.fields().get(key)).filter(field -> !field.value().isNull());
  }
}

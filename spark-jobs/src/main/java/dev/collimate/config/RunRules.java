package dev.collimate.config;

import dev.collimate.config.Node.Field;
import dev.collimate.config.Node.Fields;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.ReferenceUse;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Rules over several keys. */
final class RunRules {

  /** Keys that belong to train.sync_every. */
  private static final List<String> OF_LOCAL_STEPS =
      List.of(
          "train.replicas",
          "train.outer_learning_rate",
          "train.outer_momentum",
          "train.inner_state");

  /** Keys that belong to train.load_best_model_at_end. */
  private static final List<String> OF_BEST =
      List.of("train.metric_for_best_model", "train.greater_is_better");

  private static final List<String> OF_SAMPLES = List.of("report.samples", "report.max_new_tokens");

  private final Fields document;
  private final Problems problems;

  RunRules(Fields document, Problems problems) {
    this.document = document;
    this.problems = problems;
  }

  void check(RunConfig config) {
    checkReference(config);
    checkReport(config);
    checkData(config.data());
    checkAdapter(config);
    checkTrain(config.train());
    checkBest(config);
    checkSharing(config);
    new OnlineRules(document, problems).check(config);
  }

  /** Keys whose values have no effect beside those of others. */
  static Set<String> withoutEffect(RunConfig config) {
    Set<String> keys = new HashSet<>();
    keys.add(config.data().eval().isEmpty() ? "data.eval" : "data.eval_fraction");
    keys.add(config.train().warmupSteps() > 0 ? "train.warmup_ratio" : "train.warmup_steps");
    if (config.train().maxSteps().isPresent()) {
      keys.add("train.num_train_epochs");
    }
    if (!config.train().hasLocalSteps()) {
      keys.addAll(OF_LOCAL_STEPS);
    }
    if (!config.train().loadBestModelAtEnd()) {
      keys.addAll(OF_BEST);
    }
    if (config.adapter().flatMap(AdapterSection::path).isPresent()) {
      KnownKeys.all().stream()
          .map(KnownKeys.KnownKey::path)
          .filter(path -> path.startsWith("adapter.") && !path.equals("adapter.path"))
          .forEach(keys::add);
    }
    if (config.objective().reference() == ReferenceUse.NONE) {
      keys.add("reference_model");
      keys.add("reference.prefix_sharing");
    }
    config
        .objective()
        .declaration()
        .ifPresent(
            objective -> {
              if (objective.sequences().size() < 2 || objective.countsPrompt()) {
                keys.add("train.prefix_sharing");
              }
              if (objective.roles().size() < 2) {
                keys.add("reference.prefix_sharing");
              }
            });
    keys.addAll(OnlineRules.withoutEffect(config));
    if (trainsRewardModel(config)) {
      keys.addAll(OF_SAMPLES);
    }
    return keys;
  }

  private void checkReference(RunConfig config) {
    if (!config.objective().name().isEmpty() && problems.free("objective")) {
      checkReferenceUse(config.objective());
      config
          .objective()
          .declaration()
          .filter(objective -> objective.sync().isPresent())
          .ifPresent(objective -> checkSync(config));
    }
    if (config.referenceModel().equals(RunConfig.BASE) && config.adapter().isEmpty()) {
      given("reference_model")
          .ifPresent(
              field ->
                  problems.add(
                      "reference_model",
                      "'base' needs an adapter section",
                      field.place(),
                      "; without one write initial"));
    }
  }

  /** A reference that follows the policy has the policy's weights. */
  private void checkSync(RunConfig config) {
    String key = "objective.sync_ref_model";
    if (config.adapter().isPresent()) {
      problems.add(
          key, "excludes an adapter section", place(key), "; leave one of the two out, as in TRL");
    }
    if (!config.referenceModel().equals(RunConfig.INITIAL)) {
      problems.add(
          key,
          "needs reference_model: initial, got '" + config.referenceModel() + "'",
          place(key),
          "; the policy is mixed into the model that it starts from");
    }
    if (config.train().hasLocalSteps()) {
      problems.add(key, "excludes train.sync_every above 1", place(key), "; leave one of them out");
    }
  }

  private void checkReferenceUse(ObjectiveConfig objective) {
    if (objective.reference() != ReferenceUse.NONE) {
      return;
    }
    boolean never =
        Objectives.find(objective.name()).stream().noneMatch(ObjectiveSpec::needsReference);
    for (KnownKeys.KnownKey known : KnownKeys.all()) {
      if (known.key().needsReference() && !known.component().getType().isRecord()) {
        given(known.path())
            .ifPresent(
                field ->
                    problems.add(
                        known.path(),
                        never
                            ? "has no effect on " + objective.name()
                            : "has no effect on " + objective.name() + " with these options",
                        field.place(),
                        never
                            ? "; it belongs to " + Names.either(ObjectiveKeys.needingReference())
                            : ""));
      }
    }
  }

  private void checkReport(RunConfig config) {
    Optional<ObjectiveSpec> objective = Objectives.find(config.objective().name());
    if (objective.isEmpty() || !objective.get().trainsRewardModel()) {
      return;
    }
    for (String key : OF_SAMPLES) {
      given(key)
          .ifPresent(
              field ->
                  problems.add(
                      key,
                      "has no effect on " + objective.get().name(),
                      field.place(),
                      "; a reward model answers no prompt"));
    }
  }

  private void checkData(DataConfig data) {
    given("data.train")
        .filter(field -> field.value() instanceof Node.Items items && items.items().isEmpty())
        .ifPresent(
            field -> problems.add("data.train", "must name at least one source", field.place()));
    exclude("data.eval", "data.eval_fraction");
    checkSources("data.train", data.train(), data);
    checkSources("data.eval", data.eval(), data);
  }

  private void checkSources(String list, List<Source> sources, DataConfig data) {
    for (int i = 0; i < sources.size(); i++) {
      String key = list + "." + i;
      Source source = sources.get(i);
      if (!problems.free(key)) {
        continue;
      }
      String place = place(list);
      if (source.path().isPresent() == source.table().isPresent()) {
        problems.add(key, "needs either path or table", place);
      }
      if (source.table().isPresent()
          && (source.format().isPresent() || !source.options().isEmpty())) {
        problems.add(key, "format and options have no effect on a table", place);
      }
      if (source.path().isPresent() && !source.orderBy().isEmpty()) {
        problems.add(key + ".order_by", "has no effect on files, whose rows have an order", place);
      } else if (data.shuffle() && !source.orderBy().isEmpty()) {
        problems.add(key + ".order_by", "has no effect while data.shuffle is true", place);
      }
      if (!data.shuffle() && source.table().isPresent() && source.orderBy().isEmpty()) {
        problems.add(key + ".order_by", "is needed where data.shuffle is false", place);
      }
    }
  }

  private void checkAdapter(RunConfig config) {
    if (config.adapter().stream().anyMatch(adapter -> adapter.targetModules().isEmpty())) {
      problems.add(
          "adapter.target_modules",
          "must name at least one layer",
          place("adapter.target_modules"),
          "; or write all-linear");
    }
    if (config.adapter().flatMap(AdapterSection::path).isEmpty()
        || !(document.get("adapter").orElse(null) instanceof Fields section)) {
      return;
    }
    section
        .fields()
        .forEach(
            (name, field) -> {
              if (!name.equals("path") && !field.value().isNull()) {
                problems.add(
                    "adapter." + name,
                    "has no effect on an adapter that is continued",
                    field.place(),
                    "; its own settings hold");
              }
            });
  }

  private void checkTrain(TrainConfig train) {
    exclude("train.max_steps", "train.num_train_epochs");
    exclude("train.warmup_steps", "train.warmup_ratio");
    if (problems.free("train.global_batch_size", "train.micro_batch_size")
        && train.microBatchSize() > train.globalBatchSize()) {
      problems.add(
          "train.micro_batch_size",
          "must be <= train.global_batch_size, which is "
              + train.globalBatchSize()
              + ", got "
              + train.microBatchSize(),
          place("train.micro_batch_size"));
    }
    checkLocalSteps(train);
  }

  private void checkBest(RunConfig config) {
    TrainConfig train = config.train();
    if (!train.loadBestModelAtEnd()) {
      requireNoneOf(
          OF_BEST,
          "has no effect while train.load_best_model_at_end is false",
          "; set that to true");
      return;
    }
    String key = "train.load_best_model_at_end";
    if (config.data().eval().isEmpty() && config.data().evalFraction() == 0) {
      problems.add(
          key, "needs held-out rows", place(key), "; give data.eval or data.eval_fraction");
    }
    if (problems.free("train.save_steps", "train.eval_steps")
        && (train.evalSteps() < 1
            || train.saveSteps() < 1
            || train.saveSteps() % train.evalSteps() != 0)) {
      problems.add(
          key,
          "needs train.save_steps to be a multiple of train.eval_steps, got %d and %d"
              .formatted(train.saveSteps(), train.evalSteps()),
          place(key),
          "; a checkpoint is compared by its evaluation");
    }
  }

  private void requireNoneOf(List<String> keys, String problem, String remedy) {
    for (String key : keys) {
      given(key).ifPresent(field -> problems.add(key, problem, field.place(), remedy));
    }
  }

  private void checkSharing(RunConfig config) {
    if (problems.free("objective")) {
      config.objective().declaration().ifPresent(objective -> checkSharing(config, objective));
    }
  }

  private void checkSharing(RunConfig config, Declaration objective) {
    if (config.train().prefixSharing()) {
      sharingProblem(objective).ifPresent(problem -> addSharing("train.prefix_sharing", problem));
    }
    boolean readsReference = objective.reference() != ReferenceUse.NONE;
    if (config.reference().prefixSharing() && readsReference) {
      if (objective.roles().size() < 2) {
        addSharing("reference.prefix_sharing", oneSequence(objective));
      } else if (objective.isOnline()) {
        addSharing(
            "reference.prefix_sharing",
            "has no effect on " + objective.name() + ", whose completions are read one by one");
      }
    }
  }

  private static Optional<String> sharingProblem(Declaration objective) {
    if (objective.sequences().size() < 2) {
      return Optional.of(oneSequence(objective));
    }
    if (objective.countsPrompt()) {
      return Optional.of(
          "has no effect on "
              + objective.name()
              + " with these options, which count the prompt's tokens");
    }
    return objective.scores() > 0
        ? Optional.of("'true' is not supported yet for " + objective.name())
        : Optional.empty();
  }

  private static String oneSequence(Declaration objective) {
    return "has no effect on " + objective.name() + ", which reads one sequence of a row at a time";
  }

  private void addSharing(String key, String problem) {
    problems.add(key, problem, place(key), "; leave it out");
  }

  private static boolean trainsRewardModel(RunConfig config) {
    return Objectives.find(config.objective().name()).stream()
        .anyMatch(ObjectiveSpec::trainsRewardModel);
  }

  private void checkLocalSteps(TrainConfig train) {
    if (!problems.free("train.sync_every", "train.replicas")) {
      return;
    }
    if (!train.hasLocalSteps()) {
      requireNoneOf(
          OF_LOCAL_STEPS,
          "has no effect while train.sync_every is 1",
          "; set train.sync_every to the steps between synchronisations");
    } else if (train.replicas().isEmpty()) {
      problems.add(
          "train.replicas",
          "is needed where train.sync_every is above 1",
          place("train.sync_every"),
          "; as many as workers, or a multiple, keeps all of them busy");
    } else if (train.replicas().getAsInt() > train.globalBatchSize()) {
      problems.add(
          "train.replicas",
          "must be <= train.global_batch_size, which is "
              + train.globalBatchSize()
              + ", got "
              + train.replicas().getAsInt(),
          place("train.replicas"));
    }
  }

  private void exclude(String one, String other) {
    Optional<Field> first = given(one);
    Optional<Field> second = given(other);
    if (first.isPresent() && second.isPresent()) {
      problems.add(one, "excludes " + other, first.get().place(), "; give one of them");
    }
  }

  private String place(String path) {
    return given(path).map(Field::place).orElse("default");
  }

  private Optional<Field> given(String path) {
    Fields section = document;
    String[] steps = path.split("\\.", -1);
    for (int i = 0; i < steps.length - 1; i++) {
      if (!(section.get(steps[i]).orElse(null) instanceof Fields next)) {
        return Optional.empty();
      }
      section = next;
    }
    return Optional.ofNullable(section.fields().get(steps[steps.length - 1]))
        .filter(field -> !field.value().isNull());
  }
}

package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;
import static dev.collimate.config.Key.Role.OPERATIONAL;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.SaveDtype;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BinaryOperator;

/** The run file, validated. Sections stay on the driver; the whole crosses Spark as its text. */
public record RunConfig(
    @Key(role = IDENTITY, meaning = "Hugging Face folder of the model that is trained.")
        String model,
    @Key(
            role = IDENTITY,
            usual = "initial",
            needsReference = true,
            meaning =
                "What the policy is compared with: `initial`, the model as it starts, a continued"
                    + " adapter included; `base`, the model with adapters off; or a folder.")
        String referenceModel,
    @Key(
            role = IDENTITY,
            usual = "policy",
            meaning =
                "Where the values of ppo come from: `policy`, a head on the policy's trunk, at first"
                    + " zero; or a folder with the model's vocabulary, a model of its own, all of"
                    + " whose weights are trained: a reward model, whose score head becomes the"
                    + " value head, or a causal model, which gets one of zeros.")
        String valueModel,
    @Key(role = OPERATIONAL, meaning = "Run directory; made if missing, resumed if it is this run.")
        String output,
    @Key(
            role = IDENTITY,
            usual = "42",
            meaning = "Seed of the order of rows, fresh adapters, dropout and sampling.")
        long seed,
    @Key(role = IDENTITY, meaning = "The rows.") DataConfig data,
    @Key(role = IDENTITY, meaning = "What is optimised.") ObjectiveConfig objective,
    @Key(
            role = OPERATIONAL,
            usual = "0",
            range = ">= 0",
            meaning =
                "Rounds of training on the policy's own answers, with an objective on pairs: the"
                    + " policy completes the prompts of `data.train`, `rewards` score the"
                    + " completions, the best and the worst of each prompt are a pair, `objective`"
                    + " trains on the pairs; 0: `data.train` has the pairs.")
        int rounds,
    @Key(
            role = IDENTITY,
            usual = "null",
            meaning = "Train a LoRA adapter; without the section all weights are trained.")
        Optional<AdapterSection> adapter,
    @Key(
            role = IDENTITY,
            usual = "{}",
            meaning = "How completions are written, for an online objective.")
        RolloutSection rollout,
    @Key(
            role = IDENTITY,
            usual = "[]",
            meaning = "What scores the completions; the weighted scores are added.")
        List<RewardSection> rewards,
    @Key(role = IDENTITY, usual = "{}", meaning = "How it is optimised.") TrainConfig train,
    @Key(
            role = IDENTITY,
            usual = "base",
            meaning =
                "Number format of the result's weights; `base`: that of the model's own files."
                    + " Checkpoints keep float32.")
        SaveDtype saveDtype,
    @Key(
            role = OPERATIONAL,
            usual = "{}",
            needsReference = true,
            meaning = "Where reference log-probs are kept.")
        ReferenceConfig reference,
    @Key(role = OPERATIONAL, usual = "{}", meaning = "What the run takes of the cluster.")
        ClusterConfig cluster,
    @Key(role = OPERATIONAL, usual = "{}", meaning = "What the report shows.") ReportConfig report)
    implements Serializable {

  public RunConfig {
    rewards = List.copyOf(rewards);
  }

  /** The value of {@code reference_model} that means the model as it starts. */
  public static final String INITIAL = "initial";

  /** The value of {@code reference_model} that means the model with its adapter off. */
  public static final String BASE = "base";

  /** The value of {@code value_model} that means a head on the policy's trunk. */
  public static final String POLICY = "policy";

  /**
   * Reads a run file.
   *
   * @param text YAML
   * @param name the file's name, for messages
   * @param overrides {@code key=value} with dotted keys, values in YAML, later ones win
   * @throws CollimateException (USAGE) with every problem, one a line
   */
  public static RunConfig read(String text, String name, List<String> overrides) {
    Problems problems = new Problems();
    Node.Fields document = RunFile.parse(text, name, problems);
    RunFile.override(document, overrides, problems);
    problems.throwIfAny();
    RunConfig config = new RunFileReader(problems).read(document);
    problems.throwIfAny();
    return config;
  }

  /**
   * The same run with every file and folder named in full, as executors, which run elsewhere, need
   * it.
   *
   * @param absolute gives the full name of a key's location, from both
   */
  public RunConfig located(BinaryOperator<String> absolute) {
    boolean isFolder = !referenceModel.equals(INITIAL) && !referenceModel.equals(BASE);
    return new RunConfig(
        absolute.apply("model", model),
        isFolder ? absolute.apply("reference_model", referenceModel) : referenceModel,
        valueFolder().map(folder -> absolute.apply("value_model", folder)).orElse(valueModel),
        absolute.apply("output", output),
        seed,
        data.located(absolute),
        objective,
        rounds,
        adapter.map(section -> section.located(absolute)),
        rollout.located(absolute),
        rewards,
        train,
        saveDtype,
        new ReferenceConfig(
            reference.store().map(location -> absolute.apply("reference.store", location)),
            reference.prefixSharing()),
        cluster,
        report);
  }

  /**
   * The training of a round, as a run of its own.
   *
   * @param pairs a file of JSON lines
   * @param startModel the policy's model as the round starts
   * @param startAdapter the policy's adapter as the round starts
   */
  public RunConfig ofRound(
      String roundOutput, String pairs, String startModel, Optional<AdapterSection> startAdapter) {
    return new RunConfig(
        startModel,
        referenceModel,
        valueModel,
        roundOutput,
        seed,
        data.of(pairs),
        objective,
        /* rounds= */ 0,
        startAdapter,
        rollout,
        List.of(),
        train,
        saveDtype,
        reference,
        cluster,
        report);
  }

  /** The folder that {@code value_model} names, where it names one. */
  public Optional<String> valueFolder() {
    return valueModel.equals(POLICY) ? Optional.empty() : Optional.of(valueModel);
  }

  /** Reads what {@link #resolved()} gave. */
  public static RunConfig ofResolved(Map<String, Object> resolved) {
    return read(Resolved.json(resolved), "resolved run file", List.of());
  }

  /**
   * Every key with its value, defaults included, in the order of the records; null where the key is
   * absent or, beside another key's value, without effect.
   */
  public Map<String, Object> resolved() {
    return Resolved.of(this, RunRules.withoutEffect(this));
  }

  /** A resolved run file as YAML. */
  public static String yaml(Map<String, Object> resolved) {
    return Resolved.yaml(resolved);
  }

  /** The identity keys, dotted, with their values: equal maps are the same run. */
  public Map<String, Object> identity() {
    Map<String, Object> identity = Resolved.identity(this, RunRules.withoutEffect(this));
    if (train.loadBestModelAtEnd()) {
      // They decide which checkpoints are compared.
      identity.put("train.save_steps", train.saveSteps());
      identity.put("train.eval_steps", train.evalSteps());
    }
    return identity;
  }

  /**
   * What makes {@code this} another run than {@code stored}: a line per identity key that differs;
   * empty where it is the same run.
   */
  public List<String> differences(RunConfig stored) {
    return Resolved.differences(stored.identity(), identity());
  }

  private Object writeReplace() {
    return new Text(Resolved.json(resolved()));
  }

  /** The serialized form. */
  private record Text(String json) implements Serializable {
    private Object readResolve() {
      return RunConfig.read(json, "resolved run file", List.of());
    }
  }
}

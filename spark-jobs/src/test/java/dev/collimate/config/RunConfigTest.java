package dev.collimate.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.checkpoint.SaveDtype;
import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.config.ClusterConfig.Wire;
import dev.collimate.config.RolloutSection.Sampler;
import dev.collimate.config.TrainConfig.InnerState;
import dev.collimate.learn.Schedule;
import dev.collimate.nn.Precision;
import dev.collimate.objective.Objectives;
import dev.collimate.online.SamplerCorrection;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import dev.collimate.text.PreparerConfig.TruncationMode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunConfigTest {

  /** The section where nothing is said. */
  static final RolloutSection ROLLOUT =
      new RolloutSection(
          RolloutSection.WrittenBy.POLICY,
          4,
          8,
          256,
          1,
          0,
          1,
          1,
          1,
          3,
          Sampler.IN_TURN,
          0.99,
          0.7,
          true,
          SamplerCorrection.Mode.SEQUENCE_MASK,
          3,
          Optional.empty());

  static final String LEAST =
      """
      model: models/base
      output: runs/one
      data:
        train: [{path: pairs.jsonl}]
      objective: {name: dpo}
      """;

  private static final String EVERYTHING =
      """
      model: models/base
      reference_model: base
      output: runs/one
      seed: 7
      data:
        train:
          - path: pairs.csv
            format: csv
            options: {header: true}
          - table: db.pairs
            order_by: [day, id]
        eval: [{path: held-out.jsonl}]
        max_length: 512
        truncation_mode: keep_start
        max_prompt_length: 256
        shuffle: false
        max_bad_rows: 0.25
        boundary_merge: fail
      objective:
        {name: dpo, loss_type: [robust, sft, discopop], loss_weights: [1.0, 0.5, 0], beta: 0.5,
         label_smoothing: 0.1, f_divergence_type: alpha_divergence, f_alpha_divergence_coef: 0.25,
         discopop_tau: 0.1, rpo_alpha: 2}
      adapter: {r: 8, lora_alpha: 4, lora_dropout: 0, target_modules: all-linear, use_rslora: yes}
      train:
        max_steps: 1_000
        global_batch_size: 32
        micro_batch_size: 2
        learning_rate: 5e-5
        lr_scheduler_type: cosine
        warmup_ratio: 0.1
        adam_beta1: 0.8
        adam_beta2: 0.95
        adam_epsilon: 1e-6
        weight_decay: 0.1
        max_grad_norm: 0
        precision: bfloat16
        gradient_checkpointing: true
        prefix_sharing: true
        disable_dropout: true
        save_steps: 10
        save_total_limit: 2
        load_best_model_at_end: true
        metric_for_best_model: rewards/accuracies
        greater_is_better: true
        eval_steps: 5
        logging_steps: 5
        sync_every: 20
        replicas: 4
        outer_learning_rate: 0.8
        outer_momentum: 0.5
        inner_state: reset
      save_dtype: bfloat16
      reference: {store: shared/reference, prefix_sharing: true}
      cluster: {workers: 8, device: cpu, threads: 2, wire: bfloat16, mixed: true}
      report: {samples: 4, max_new_tokens: 64}
      """;

  static RunConfig read(String text, String... overrides) {
    return RunConfig.read(text, "dpo.yaml", List.of(overrides));
  }

  @Test
  void theLeastRunFileGivesEveryDefault() {
    RunConfig config = read(LEAST);
    Source source =
        new Source(
            Optional.of("pairs.jsonl"), Optional.empty(), Optional.empty(), Map.of(), List.of());
    assertThat(config)
        .isEqualTo(
            new RunConfig(
                "models/base",
                "initial",
                "policy",
                "runs/one",
                42,
                new DataConfig(
                    List.of(source),
                    List.of(),
                    0,
                    OptionalInt.of(1024),
                    TruncationMode.KEEP_START,
                    OptionalInt.empty(),
                    true,
                    0.01,
                    BoundaryMerge.KEEP),
                new ObjectiveConfig("dpo", Objectives.find("dpo").orElseThrow().defaults()),
                0,
                Optional.empty(),
                ROLLOUT,
                List.of(),
                new TrainConfig(
                    1,
                    OptionalInt.empty(),
                    64,
                    4,
                    1e-6,
                    Schedule.Type.LINEAR,
                    0,
                    0,
                    0.9,
                    0.999,
                    1e-8,
                    0,
                    1,
                    Precision.FLOAT32,
                    false,
                    false,
                    true,
                    100,
                    OptionalInt.empty(),
                    false,
                    Optional.empty(),
                    Optional.empty(),
                    100,
                    1,
                    1,
                    OptionalInt.empty(),
                    0.7,
                    0.9,
                    InnerState.KEEP),
                SaveDtype.BASE,
                new ReferenceConfig(Optional.empty(), false),
                new ClusterConfig(4, Device.CPU, 1, Wire.FLOAT32, false),
                new ReportConfig(8, 128)));
  }

  @Test
  void anEmptyAdapterSectionIsAFreshAdapterWithDefaults() {
    assertThat(read(LEAST + "adapter: {}\n").adapter())
        .contains(
            new AdapterSection(Optional.empty(), 16, 32, 0, List.of("q_proj", "v_proj"), false));
  }

  @Test
  void everyKeyIsRead() {
    RunConfig config = read(EVERYTHING);
    Source csv =
        new Source(
            Optional.of("pairs.csv"),
            Optional.empty(),
            Optional.of("csv"),
            Map.of("header", "true"),
            List.of());
    Source table =
        new Source(
            Optional.empty(),
            Optional.of("db.pairs"),
            Optional.empty(),
            Map.of(),
            List.of("day", "id"));
    assertThat(config.referenceModel()).isEqualTo("base");
    assertThat(config.seed()).isEqualTo(7);
    assertThat(config.data())
        .isEqualTo(
            new DataConfig(
                List.of(csv, table),
                config.data().eval(),
                0,
                OptionalInt.of(512),
                TruncationMode.KEEP_START,
                OptionalInt.of(256),
                false,
                0.25,
                BoundaryMerge.FAIL));
    assertThat(config.objective().options())
        .containsAllEntriesOf(
            Map.of(
                "loss_type", List.of("robust", "sft", "discopop"),
                "loss_weights", List.of(1.0, 0.5, 0.0),
                "beta", 0.5,
                "label_smoothing", 0.1,
                "f_divergence_type", "alpha_divergence",
                "f_alpha_divergence_coef", 0.25,
                "discopop_tau", 0.1,
                "rpo_alpha", 2.0))
        .hasSameSizeAs(Objectives.find("dpo").orElseThrow().options());
    assertThat(config.adapter())
        .contains(new AdapterSection(Optional.empty(), 8, 4, 0, List.of("all-linear"), true));
    assertThat(config.train())
        .isEqualTo(
            new TrainConfig(
                1,
                OptionalInt.of(1000),
                32,
                2,
                5e-5,
                Schedule.Type.COSINE,
                0.1,
                0,
                0.8,
                0.95,
                1e-6,
                0.1,
                0,
                Precision.BFLOAT16,
                true,
                true,
                true,
                10,
                OptionalInt.of(2),
                true,
                Optional.of("rewards/accuracies"),
                Optional.of(true),
                5,
                5,
                20,
                OptionalInt.of(4),
                0.8,
                0.5,
                InnerState.RESET));
    assertThat(config.saveDtype()).isEqualTo(SaveDtype.BFLOAT16);
    assertThat(config.reference())
        .isEqualTo(new ReferenceConfig(Optional.of("shared/reference"), true));
    assertThat(config.cluster())
        .isEqualTo(new ClusterConfig(8, Device.CPU, 2, Wire.BFLOAT16, true));
    assertThat(config.report()).isEqualTo(new ReportConfig(4, 64));
  }

  @Test
  void theLearningRatesDefaultIsTheObjectives() {
    assertThat(read(LEAST.replace("dpo", "sft")).train().learningRate()).isEqualTo(2e-5);
  }

  @Test
  void overridesWinAndAreTypedLikeYaml() {
    RunConfig config =
        read(
            LEAST,
            "train.learning_rate=1e-5",
            "train.learning_rate=2e-5",
            "data.train.0.path=other.jsonl",
            "adapter={r: 4}",
            "adapter.use_rslora=true");
    assertThat(config.train().learningRate()).isEqualTo(2e-5);
    assertThat(config.data().train().get(0).path()).contains("other.jsonl");
    assertThat(config.adapter().orElseThrow().r()).isEqualTo(4);
    assertThat(config.adapter().orElseThrow().useRslora()).isTrue();
  }

  @Test
  void anOverrideWithNullTakesASectionAway() {
    assertThat(read(LEAST + "adapter: {r: 4}\n", "adapter=null").adapter()).isEmpty();
  }

  @Test
  void aNullMaxLengthLiftsTheLimit() {
    RunConfig written = read(LEAST.replace("data:\n", "data:\n  max_length: null\n"));
    RunConfig overridden = read(LEAST, "data.max_length=null");
    assertThat(written.data().maxLength()).isEmpty();
    assertThat(overridden).isEqualTo(written);
    assertThat(written.differences(read(LEAST)))
        .containsExactly("data.max_length is 1024 there and null here");
  }

  @Test
  void aNullAmongOptionsIsNoOption() {
    assertThat(read(LEAST, "data.train.0.options={sep: null, quote: x}").data().train().get(0))
        .extracting(Source::options)
        .isEqualTo(Map.of("quote", "x"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"train.max_grad_norm=0", "data.max_length=null", "adapter.r=4"})
  void theResolvedFileReadsBackAsTheSameRun(String override) {
    RunConfig config = read(EVERYTHING, override);
    assertThat(read(RunConfig.yaml(config.resolved()))).isEqualTo(config);
    assertThat(RunConfig.ofResolved(config.resolved())).isEqualTo(config);
  }

  @Test
  void aRunFileCrossesSparkUnchanged() throws Exception {
    RunConfig config = read(EVERYTHING);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(config);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(config);
    }
  }

  @Test
  void everyLocationCanBeNamedInFull() {
    RunConfig located =
        read(
                EVERYTHING,
                "reference_model=other",
                "adapter=null",
                "data.train.1={path: more.jsonl}",
                "data.shuffle=true")
            .located((key, location) -> "/at/" + location);
    assertThat(located.model()).isEqualTo("/at/models/base");
    assertThat(located.referenceModel()).isEqualTo("/at/other");
    assertThat(located.output()).isEqualTo("/at/runs/one");
    assertThat(located.data().train())
        .extracting(source -> source.path().orElseThrow())
        .containsExactly("/at/pairs.csv", "/at/more.jsonl");
    assertThat(located.data().eval().get(0).path()).contains("/at/held-out.jsonl");
    assertThat(located.reference().store()).contains("/at/shared/reference");
    assertThat(
            read(LEAST, "adapter={path: a}")
                .located((key, location) -> "/at/" + location)
                .adapter()
                .orElseThrow()
                .path())
        .contains("/at/a");
  }

  @Test
  void everyLocationIsNamedByItsKey() {
    List<String> keys = new ArrayList<>();
    read(
            EVERYTHING,
            "reference_model=other",
            "adapter={path: a}",
            "data.train.1={path: more.jsonl}",
            "data.shuffle=true")
        .located(
            (key, location) -> {
              keys.add(key);
              return location;
            });
    assertThat(keys)
        .containsExactlyInAnyOrder(
            "model",
            "reference_model",
            "output",
            "data.train.0.path",
            "data.train.1.path",
            "data.eval.0.path",
            "adapter.path",
            "reference.store");
  }

  @Test
  void wordsForTheReferenceAreNoLocations() {
    assertThat(read(LEAST).located((key, location) -> "/at/" + location).referenceModel())
        .isEqualTo("initial");
  }

  @Test
  void operationalKeysMayChangeWithinARun() {
    RunConfig config = read(LEAST);
    RunConfig resumed =
        read(
            LEAST,
            "cluster.workers=1",
            "train.save_steps=7",
            "output=runs/moved",
            "report.samples=0");
    assertThat(resumed.differences(config)).isEmpty();
  }

  @Test
  void identityKeysMakeAnotherRunAndAreNamed() {
    RunConfig config = read(LEAST);
    RunConfig other =
        read(LEAST, "seed=1", "adapter.r=8", "data.train.0.path=b.jsonl", "objective.beta=0.2");
    assertThat(other.differences(config))
        .contains(
            "seed is 42 there and 1 here",
            "adapter.r is null there and 8 here",
            "objective.beta is 0.1 there and 0.2 here")
        .anyMatch(line -> line.startsWith("data.train is "));
  }
}

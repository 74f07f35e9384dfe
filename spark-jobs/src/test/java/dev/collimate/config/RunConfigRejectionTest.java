package dev.collimate.config;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunConfigRejectionTest {

  /** Each line is one override over the least run file, and the message it must give. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          train.learning_rate=-1 | train.learning_rate: must be >= 0, got -1 (--set); usual is 1.0e-6
          train.learning_rate=fast | train.learning_rate: must be a number, got 'fast' (--set); usual is 1.0e-6
          train.learning_rate=.inf | train.learning_rate: must be a number, got .inf (--set); usual is 1.0e-6
          train.learning_rate=[1] | train.learning_rate: must be a number, got a list (--set); usual is 1.0e-6
          train.num_train_epochs=0 | train.num_train_epochs: must be > 0, got 0 (--set); usual is 1
          train.max_steps=-1 | train.max_steps: must be >= 1, got -1 (--set)
          train.global_batch_size=0 | train.global_batch_size: must be >= 1, got 0 (--set); usual is 64
          train.global_batch_size=9999999999 | train.global_batch_size: must be a whole number of at most 2147483647, got 9999999999 (--set); usual is 64
          train.micro_batch_size=2.5 | train.micro_batch_size: must be a whole number, got 2.5 (--set); usual is 4
          train.micro_batch_size=65 | train.micro_batch_size: must be <= train.global_batch_size, which is 64, got 65 (--set)
          train.lr_scheduler_type=lineer | train.lr_scheduler_type: must be constant, linear or cosine, got 'lineer' (--set); nearest is linear
          train.lr_scheduler_type=polynomial | train.lr_scheduler_type: must be constant, linear or cosine, got 'polynomial' (--set); usual is linear
          train.warmup_ratio=2 | train.warmup_ratio: must be >= 0 and <= 1, got 2 (--set); usual is 0.0
          train.warmup_steps=-3 | train.warmup_steps: must be >= 0, got -3 (--set); usual is 0
          train.adam_beta1=1 | train.adam_beta1: must be >= 0 and < 1, got 1 (--set); usual is 0.9
          train.adam_beta2=1 | train.adam_beta2: must be >= 0 and < 1, got 1 (--set); usual is 0.999
          train.adam_epsilon=0 | train.adam_epsilon: must be > 0, got 0 (--set); usual is 1.0e-8
          train.weight_decay=-0.1 | train.weight_decay: must be >= 0, got -0.1 (--set); usual is 0.0
          train.max_grad_norm=-1 | train.max_grad_norm: must be >= 0, got -1 (--set); usual is 1.0
          train.precision=fp16 | train.precision: must be float32 or bfloat16, got 'fp16' (--set); usual is float32
          train.gradient_checkpointing=1 | train.gradient_checkpointing: must be true or false, got 1 (--set); usual is false
          train.disable_dropout=false | train.disable_dropout: false is not supported yet (--set); supported is true
          train.save_steps=-1 | train.save_steps: must be >= 0, got -1 (--set); usual is 100
          train.save_total_limit=0 | train.save_total_limit: must be >= 1, got 0 (--set)
          train.load_best_model_at_end=true | train.load_best_model_at_end: needs held-out rows (--set); give data.eval or data.eval_fraction
          train.metric_for_best_model=loss | train.metric_for_best_model: has no effect while train.load_best_model_at_end is false (--set); set that to true
          train.greater_is_better=false | train.greater_is_better: has no effect while train.load_best_model_at_end is false (--set); set that to true
          train.eval_steps=-1 | train.eval_steps: must be >= 0, got -1 (--set); usual is 100
          train.logging_steps=0 | train.logging_steps: must be >= 1, got 0 (--set); usual is 1
          train=fast | train: must be a section of keys, got 'fast' (--set)
          data.train=pairs.jsonl | data.train: must be a list such as [{path: …}], got 'pairs.jsonl' (--set)
          data.train=[] | data.train: must name at least one source (--set)
          data.train=null | data.train: is missing (dpo.yaml:4); Sources of training rows, read in this order
          data.train.0.path=null | data.train.0: needs either path or table (dpo.yaml:4)
          data.train.0.table=db.t | data.train.0: needs either path or table (dpo.yaml:4)
          data.train=[{table: db.t, format: json}] | data.train.0: format and options have no effect on a table (--set)
          data.train=[{table: db.t, order_by: [a]}] | data.train.0.order_by: has no effect while data.shuffle is true (--set)
          data.train=[{path: a, order_by: [a]}] | data.train.0.order_by: has no effect on files, whose rows have an order (--set)
          data.train.0.options=x | data.train.0.options: must be a section of keys, got 'x' (--set)
          data.train.0.options={a: [1]} | data.train.0.options.a: must be a single value, got a list (--set)
          data.train.0.pth=x | data.train.0.pth: unknown key (--set); nearest is data.train[].path
          data.eval_fraction=1 | data.eval_fraction: must be >= 0 and < 1, got 1 (--set); usual is 0.0
          data.max_length=1 | data.max_length: must be >= 2, got 1 (--set); usual is 1024
          data.truncation_mode=keep_middle | data.truncation_mode: must be keep_start or keep_end, got 'keep_middle' (--set); usual is keep_start
          data.max_prompt_length=0 | data.max_prompt_length: must be >= 1, got 0 (--set)
          data.max_bad_rows=-0.1 | data.max_bad_rows: must be >= 0 and <= 1, got -0.1 (--set); usual is 0.01
          data.boundary_merge=merge | data.boundary_merge: must be keep, drop or fail, got 'merge' (--set); usual is keep
          data.shuffle=maybe | data.shuffle: must be true or false, got 'maybe' (--set); usual is true
          model=null | model: is missing (dpo.yaml:1); Hugging Face folder of the model that is trained
          model=[a] | model: must be a text, got a list (--set)
          seed=x | seed: must be a whole number, got 'x' (--set); usual is 42
          reference_model=base | reference_model: 'base' needs an adapter section (--set); without one write initial
          objective=null | objective: is missing (dpo.yaml:1); such as objective: {name: dpo, beta: 0.1}
          objective=dpo | objective: must be a section of keys, got 'dpo' (--set); such as objective: {name: dpo, beta: 0.1}
          objective.name=null | objective.name: is missing (dpo.yaml:5); supported is {objectives}
          objective.name=dop | objective.name: must be {objectives}, got 'dop' (--set); nearest is dpo
          objective.name=gkd | objective.name: 'gkd' is not supported yet (--set); supported is {objectives}
          rollout.top_k=3 | rollout.top_k: has no effect on dpo (--set); it belongs to grpo, rloo, reinforce_plus_plus, ppo, online_dpo, xpo, nash_md or drpo
          objective.loss_type=ip | objective.loss_type: must be sigmoid, conservative, hinge, ipo, exo_pair, nca_pair, robust, bco_pair, sppo_hard, aot, aot_unpaired, apo_zero, apo_down, discopop, sft or sigmoid_norm, got 'ip' (--set); nearest is ipo
          objective.loss_type=[sft, simpo] | objective.loss_type.1: must be sigmoid, conservative, hinge, ipo, exo_pair, nca_pair, robust, bco_pair, sppo_hard, aot, aot_unpaired, apo_zero, apo_down, discopop, sft or sigmoid_norm, got 'simpo' (--set); nearest is ipo
          objective.loss_type=[] | objective.loss_type: must name at least one value (--set)
          objective.loss_weights=0.5 | objective.loss_weights: must be a list of numbers such as [1.0, 0.5], got 0.5 (--set)
          objective.loss_weights=[-1] | objective.loss_weights.0: must be >= 0, got -1 (--set)
          objective.loss_weights=[1, 2] | objective.loss_weights: must be as many as loss_type has names (--set)
          objective.label_smoothing=0.1 | objective.label_smoothing: has no effect with loss_type sigmoid (--set); it belongs to conservative, exo_pair, robust, aot or aot_unpaired
          objective={name: dpo, loss_type: robust, label_smoothing: 0.5} | objective.label_smoothing: must be >= 0 and < 0.5, got 0.5 (--set); usual is 0.0
          objective.loss_type=exo_pair | objective.label_smoothing: must be > 0 with loss_type exo_pair; usual is 1e-3 (dpo.yaml:5)
          objective.discopop_tau=0.1 | objective.discopop_tau: has no effect with loss_type sigmoid (--set); it belongs to discopop
          objective.f_alpha_divergence_coef=0.1 | objective.f_alpha_divergence_coef: has no effect with f_divergence_type reverse_kl (--set); it belongs to alpha_divergence
          objective={name: dpo, loss_type: aot, use_weighting: true} | objective.use_weighting: excludes loss_type aot, aot_unpaired, sft and rpo_alpha; leave one of them out (--set)
          objective={name: dpo, rpo_alpha: 1, use_weighting: true} | objective.use_weighting: excludes loss_type aot, aot_unpaired, sft and rpo_alpha; leave one of them out (--set)
          objective.ref_model_sync_steps=5 | objective.ref_model_sync_steps: has no effect with sync_ref_model false (--set); it belongs to true
          objective={name: dpo, sync_ref_model: true, reference_free: true} | objective.sync_ref_model: excludes reference_free; leave one of them out (--set)
          objective={name: bco, max_density_ratio: 5} | objective.max_density_ratio: has no effect with match_underlying_distribution false (--set); it belongs to true
          objective.beta=0 | objective.beta: must be > 0, got 0 (--set); usual is 0.1
          objective.bta=0.2 | objective.bta: unknown key (--set); nearest is objective.beta
          objective={name: cpo, loss_type: hinge, label_smoothing: 0.1} | objective.label_smoothing: has no effect with loss_type hinge (--set); it belongs to sigmoid
          objective.cpo_alpha=1 | objective.cpo_alpha: has no effect on dpo (--set); it belongs to cpo, simpo or alphapo
          objective.completion_only_loss=true | objective.completion_only_loss: has no effect on dpo (--set); it belongs to sft
          adapter=lora | adapter: must be a section of keys, got 'lora' (--set)
          adapter.r=0 | adapter.r: must be >= 1, got 0 (--set); usual is 16
          adapter.lora_alpha=0 | adapter.lora_alpha: must be > 0, got 0 (--set); usual is 32
          adapter.lora_dropout=0.05 | adapter.lora_dropout: 0.05 is not supported yet (--set); supported is 0.0
          adapter.target_modules={a: b} | adapter.target_modules: must be a list of names, got a section (--set)
          adapter.target_modules=[q_proj, null] | adapter.target_modules: must be a list of names, one of them is null (--set)
          adapter.target_modules=[] | adapter.target_modules: must name at least one layer (--set); or write all-linear
          adapter={path: a, r: 4} | adapter.r: has no effect on an adapter that is continued (--set); its own settings hold
          adapter.modules_to_save=[x] | adapter.modules_to_save: is not supported yet (--set)
          cluster.workers=0 | cluster.workers: must be >= 1, got 0 (--set); usual is 4
          cluster.device=cuda | cluster.device: must be cpu, gpu or auto, got 'cuda' (--set); usual is cpu
          cluster.threads=0 | cluster.threads: must be >= 1, got 0 (--set); usual is 1
          cluster.wire=bf16 | cluster.wire: must be float32 or bfloat16, got 'bf16' (--set); usual is float32
          prefix_sharing=true | prefix_sharing: unknown key (--set); nearest is train.prefix_sharing
          objective.ptx_loss_coef=0.01 | objective.ptx_loss_coef: is not supported yet: it is of the chosen text's log-probability, and a sequence classifier has no head for it (--set)
          train.rounds=2 | train.rounds: is not supported yet (--set)
          train.sync_every=2 | train.replicas: is needed where train.sync_every is above 1 (--set); as many as workers, or a multiple, keeps all of them busy
          train.replicas=2 | train.replicas: has no effect while train.sync_every is 1 (--set); set train.sync_every to the steps between synchronisations
          train.inner_state=reset | train.inner_state: has no effect while train.sync_every is 1 (--set); set train.sync_every to the steps between synchronisations
          report.samples=-1 | report.samples: must be >= 0, got -1 (--set); usual is 8
          report.max_new_tokens=0 | report.max_new_tokens: must be >= 1, got 0 (--set); usual is 128
          save_dtype=fp32 | save_dtype: must be base, float32, bfloat16 or float16, got 'fp32' (--set); usual is base
          learning_rate=1 | learning_rate: unknown key (--set); nearest is train.learning_rate
          train.lerning_rate=1 | train.lerning_rate: unknown key (--set); nearest is train.learning_rate
          train.xyzzy_of_nothing=1 | train.xyzzy_of_nothing: unknown key (--set)
          train.lr=1 | train.lr: is not a key here: write train.learning_rate (--set)
          train.per_device_train_batch_size=8 | train.per_device_train_batch_size: is not a key here: the batch does not depend on the number of workers here; set train.global_batch_size (per_device_train_batch_size x gradient_accumulation_steps x devices) and train.micro_batch_size (what one worker holds at once) (--set)
          train.gradient_accumulation_steps=8 | train.gradient_accumulation_steps: is not a key here: the batch does not depend on the number of workers here; set train.global_batch_size (per_device_train_batch_size x gradient_accumulation_steps x devices) and train.micro_batch_size (what one worker holds at once) (--set)
          objective.precompute_ref_log_probs=true | objective.precompute_ref_log_probs: is not a key here: reference log-probs are always computed once and kept; leave it out (--set)
          seed | --set seed: must be key=value
          model.x=1 | --set model.x: 'model' is no section
          data.train.7.path=x | --set data.train.7.path: the list has 1 items, got 7
          seed=[1 | --set: is not YAML: expected ',' or ']', but got <stream end>
          """)
  void anOverrideIsRefusedByName(String override, String message) {
    assertRefused(RunConfigTest.LEAST, message, override);
  }

  @Test
  void keysThatExcludeEachOtherAreRefused() {
    assertRefused(
        RunConfigTest.LEAST,
        "train.max_steps: excludes train.num_train_epochs (--set); give one of them",
        "train.max_steps=5",
        "train.num_train_epochs=1");
    assertRefused(
        RunConfigTest.LEAST,
        "train.warmup_steps: excludes train.warmup_ratio (--set); give one of them",
        "train.warmup_steps=5",
        "train.warmup_ratio=0.1");
    assertRefused(
        RunConfigTest.LEAST,
        "data.eval: excludes data.eval_fraction (--set); give one of them",
        "data.eval=[{path: a}]",
        "data.eval_fraction=0.1");
  }

  @Test
  void aTableTrainedInOrderNeedsAnOrder() {
    assertRefused(
        RunConfigTest.LEAST,
        "data.train.0.order_by: is needed where data.shuffle is false (--set)",
        "data.train=[{table: db.t}]",
        "data.shuffle=false");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          q=some  | objective.q: must be auto, got 'some' (--set); usual is auto
          q=1.5   | objective.q: must be > 0 and <= 1, got 1.5 (--set); usual is auto
          alpha=0 | objective.alpha: must be > 0, got 0 (--set); usual is 0.1
          w1=x    | objective.w1: must be a number, got 'x' (--set); usual is 1.0
          """)
  void anObjectivesOptionIsRefusedByName(String option, String message) {
    assertRefused(RunConfigTest.LEAST, message, "objective.name=napo", "objective." + option);
  }

  @Test
  void keysOfTheReferenceHaveNoEffectOnSft() {
    assertRefused(
        RunConfigTest.LEAST,
        """
        reference_model: has no effect on sft (--set); it belongs to {referring}
        reference.store: has no effect on sft (--set); it belongs to {referring}
        reference.prefix_sharing: has no effect on sft (--set); it belongs to {referring}""",
        "objective.name=sft",
        "reference_model=initial",
        "reference.store=shared",
        "reference.prefix_sharing=true");
  }

  @Test
  void aRowOfOneSequenceHasNothingToShare() {
    assertRefused(
        RunConfigTest.LEAST,
        "train.prefix_sharing: has no effect on sft, which reads one sequence of a row at a time (--set); leave it out",
        "objective.name=sft",
        "train.prefix_sharing=true");
    assertRefused(
        RunConfigTest.LEAST,
        "reference.prefix_sharing: has no effect on bco, which reads one sequence of a row at a time (--set); leave it out",
        "objective={name: bco}",
        "reference.prefix_sharing=true");
  }

  @Test
  void aPromptThatCountsIsNotShared() {
    assertRefused(
        RunConfigTest.LEAST,
        "train.prefix_sharing: has no effect on orpo with these options, which count the prompt's tokens (--set); leave it out",
        "objective={name: orpo}",
        "train.prefix_sharing=true");
  }

  @Test
  void keysOfTheReferenceHaveNoEffectWithoutOne() {
    assertRefused(
        RunConfigTest.LEAST,
        "reference_model: has no effect on dpo with these options (--set)",
        "objective.reference_free=true",
        "reference_model=initial");
  }

  /** The policy's weights are mixed into the reference's, so the two are one kind of model. */
  @Test
  void aReferenceThatFollowsThePolicyBeginsAsThePolicy() {
    String sync = "objective={name: dpo, sync_ref_model: true}";
    assertRefused(
        RunConfigTest.LEAST,
        "objective.sync_ref_model: excludes an adapter section (--set); leave one of the two out, as in TRL",
        sync,
        "adapter={r: 4}");
    assertRefused(
        RunConfigTest.LEAST,
        "objective.sync_ref_model: needs reference_model: initial, got 'models/other' (--set); the policy is mixed into the model that it starts from",
        sync,
        "reference_model=models/other");
    assertRefused(
        RunConfigTest.LEAST,
        "objective.sync_ref_model: excludes train.sync_every above 1 (--set); leave one of them out",
        sync,
        "train={sync_every: 2, replicas: 2}");
  }

  @Test
  void aCheckpointIsComparedByItsEvaluation() {
    for (String steps : List.of("20", "0")) {
      assertRefused(
          RunConfigTest.LEAST,
          "train.load_best_model_at_end: needs train.save_steps to be a multiple of train.eval_steps, got 50 and %s (--set); a checkpoint is compared by its evaluation"
              .formatted(steps),
          "train={load_best_model_at_end: true, save_steps: 50}",
          "train.eval_steps=" + steps,
          "data.eval_fraction=0.1");
    }
  }

  @Test
  void rewardModelsDoNotSharePrefixesYet() {
    assertRefused(
        RunConfigTest.LEAST,
        "train.prefix_sharing: 'true' is not supported yet for reward (--set); leave it out",
        "objective={name: reward}",
        "train.prefix_sharing=true");
  }

  @Test
  void samplesHaveNoEffectOnARewardModel() {
    assertRefused(
        RunConfigTest.LEAST,
        "report.samples: has no effect on reward (--set); a reward model answers no prompt",
        "objective={name: reward}",
        "report.samples=3");
  }

  @Test
  void everyProblemIsToldAtOnceWithItsLine() {
    assertRefused(
        """
        model: models/base
        out: runs/one
        data:
          train: [{path: pairs.jsonl}]
          max_length: none
        objective:
          name: dpo
          beta: -1
        train:
          learning_rate: -1
          per_device_eval_batch_size: 8
        """,
        """
        objective.beta: must be > 0, got -1 (dpo.yaml:8); usual is 0.1
        out: unknown key (dpo.yaml:2); nearest is output
        output: is missing (dpo.yaml:1); Run directory; made if missing, resumed if it is this run
        data.max_length: must be a whole number, got 'none' (dpo.yaml:5); usual is 1024
        train.per_device_eval_batch_size: is not a key here: evaluation does not depend on\
         batching here; leave it out (dpo.yaml:11)
        train.learning_rate: must be >= 0, got -1 (dpo.yaml:10); usual is 1.0e-6""");
  }

  @Test
  void aKeyGivenTwiceIsRefused() {
    assertRefused(
        RunConfigTest.LEAST + "seed: 1\nseed: 2\n",
        "seed: is given twice, first at dpo.yaml:6 (dpo.yaml:7)");
  }

  @Test
  void whatIsNoYamlIsRefusedWithItsLine() {
    assertRefused(
        "model: a\n  output: b\n", "dpo.yaml:2: is not YAML: mapping values are not allowed here");
  }

  @Test
  void anEmptyFileIsRefused() {
    assertRefused("", "dpo.yaml: must hold the keys of a run file, such as 'model: …', got null");
  }

  @Test
  void tagsAreRefused() {
    assertRefused(
        RunConfigTest.LEAST + "seed: !secret 1\n",
        "dpo.yaml:6: the tag '!secret' is not accepted in a run file");
  }

  @Test
  void aListThatHoldsItselfIsRefused() {
    assertRefused(
        RunConfigTest.LEAST + "adapter: &a {r: *a}\n",
        "dpo.yaml:6: is nested more than 20 levels deep");
  }

  /** In messages, {objectives} stands for the table's names, {referring} for some of them. */
  private static void assertRefused(String text, String message, String... overrides) {
    String expected =
        message
            .replace("{objectives}", Names.either(ObjectiveKeys.names()))
            .replace("{referring}", Names.either(ObjectiveKeys.needingReference()));
    assertThatThrownBy(() -> RunConfig.read(text, "dpo.yaml", List.of(overrides)))
        .isInstanceOfSatisfying(
            CollimateException.class,
            e ->
                org.assertj.core.api.Assertions.assertThat(e.kind())
                    .isEqualTo(CollimateException.Kind.USAGE))
        .hasMessage(expected);
  }
}

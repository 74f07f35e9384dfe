package dev.collimate.config;

import dev.collimate.objective.Objectives;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keys that other trainers know and this run file does not: what to write instead, and why. */
final class ForeignKeys {

  private static final String BATCH =
      "the batch does not depend on the number of workers here; set train.global_batch_size"
          + " (per_device_train_batch_size x gradient_accumulation_steps x devices) and"
          + " train.micro_batch_size (what one worker holds at once)";
  private static final String PRECISION = "write train.precision: float32 or bfloat16";
  private static final String EVAL = "write train.eval_steps and data.eval";
  private static final String SAVE = "write train.save_steps";
  private static final String LOG = "write train.logging_steps";
  private static final String ADAPTER = "the adapter section switches LoRA on";
  private static final String OPTIMIZER = "the optimizer is AdamW; leave it out";
  private static final String SPARK = "Spark distributes the work; leave it out";
  private static final String LOCAL_DATA = "Spark prepares the rows; leave it out";
  private static final String METRICS = "metrics go to metrics.jsonl and report.html; leave it out";

  private static final String VLLM =
      "the executors write the completions; leave it out, or, where vLLM wrote them before, put"
          + " them into the rows and write rollout.source: data";

  private static final Map<String, String> INSTEAD =
      Map.ofEntries(
          Map.entry("per_device_train_batch_size", BATCH),
          Map.entry("gradient_accumulation_steps", BATCH),
          Map.entry("batch_size", BATCH),
          Map.entry("auto_find_batch_size", BATCH),
          Map.entry(
              "per_device_eval_batch_size",
              "evaluation does not depend on batching here; leave it out"),
          Map.entry("model_name_or_path", "write model: FOLDER"),
          Map.entry("model_id", "write model: FOLDER"),
          Map.entry("ref_model", "write reference_model: initial, base or FOLDER"),
          Map.entry("output_dir", "write output: FOLDER"),
          Map.entry("overwrite_output_dir", "a run directory is never overwritten; name a new one"),
          Map.entry("resume_from_checkpoint", "the same command resumes; leave it out"),
          Map.entry("dataset_name", "write data.train: [{path: …}]"),
          Map.entry("train_dataset", "write data.train: [{path: …}]"),
          Map.entry("eval_dataset", "write data.eval: [{path: …}]"),
          Map.entry("max_seq_length", "write data.max_length"),
          Map.entry(
              "max_completion_length",
              "write rollout.max_completion_length, or, where the rows have completions,"
                  + " data.max_length and data.max_prompt_length"),
          Map.entry("reward_funcs", "write rewards: [{name: …}]"),
          Map.entry("reward_weights", "write the weight of each of the rewards"),
          Map.entry(
              "reward_model_path",
              "write rewards: [{name: reward_model, model: FOLDER}], and value_model: FOLDER where"
                  + " PPO's value model starts from it too"),
          Map.entry("sft_model_path", "write model: FOLDER"),
          Map.entry("generation_batch_size", "write rollout.steps_per_generation"),
          Map.entry("use_vllm", VLLM),
          Map.entry("vllm_mode", VLLM),
          Map.entry(
              "vllm_importance_sampling_correction",
              "write rollout.importance_sampling_correction"),
          Map.entry("vllm_importance_sampling_mode", "write rollout.importance_sampling_mode"),
          Map.entry("vllm_importance_sampling_cap", "write rollout.importance_sampling_cap"),
          Map.entry("vllm_importance_sampling_clip_max", "write rollout.importance_sampling_cap"),
          Map.entry("lr", "write train.learning_rate"),
          Map.entry("epochs", "write train.num_train_epochs"),
          Map.entry("num_epochs", "write train.num_train_epochs"),
          Map.entry("optim", OPTIMIZER),
          Map.entry("optimizer", OPTIMIZER),
          Map.entry("bf16", PRECISION),
          Map.entry("fp16", PRECISION),
          Map.entry("tf32", PRECISION),
          Map.entry("dtype", PRECISION),
          Map.entry("torch_dtype", PRECISION),
          Map.entry("eval_strategy", EVAL),
          Map.entry("evaluation_strategy", EVAL),
          Map.entry("do_eval", EVAL),
          Map.entry("save_strategy", SAVE),
          Map.entry("logging_strategy", LOG),
          Map.entry("logging_dir", METRICS),
          Map.entry("report_to", METRICS),
          Map.entry("run_name", METRICS),
          Map.entry("use_peft", ADAPTER),
          Map.entry("peft_config", ADAPTER),
          Map.entry("lora_r", "write adapter.r"),
          Map.entry("lora_rank", "write adapter.r"),
          Map.entry("lora_target_modules", "write adapter.target_modules"),
          Map.entry("data_seed", "write seed"),
          Map.entry("deepspeed", SPARK),
          Map.entry("fsdp", SPARK),
          Map.entry("ddp_find_unused_parameters", SPARK),
          Map.entry("local_rank", SPARK),
          Map.entry("dataset_num_proc", LOCAL_DATA),
          Map.entry("dataloader_num_workers", LOCAL_DATA),
          Map.entry("remove_unused_columns", LOCAL_DATA),
          Map.entry("attn_implementation", "attention is always fused; leave it out"),
          Map.entry("use_liger_kernel", "kernels are chosen by Collimate; leave it out"),
          Map.entry(
              "precompute_ref_log_probs",
              "reference log-probs are always computed once and kept; leave it out"),
          Map.entry("trust_remote_code", "code in model folders is never run; leave it out"));

  /** Keys that may come. */
  private static final List<String> NOT_BUILT =
      List.of(
          "packing",
          "padding_free",
          "rounds",
          "modules_to_save",
          "layers_to_transform",
          "rank_pattern",
          "alpha_pattern",
          "bias",
          "use_dora",
          "init_lora_weights",
          "chat_template_path",
          "neftune_noise_alpha",
          "lr_scheduler_kwargs",
          "load_in_4bit",
          "load_in_8bit",
          "push_to_hub",
          "torch_compile",
          "eval_on_start",
          "group_by_length");

  private ForeignKeys() {}

  /** What to say of an unknown key, where there is more to say than that. */
  static Optional<String> explain(String key) {
    if (INSTEAD.containsKey(key)) {
      return Optional.of("is not a key here: " + INSTEAD.get(key));
    }
    return NOT_BUILT.contains(key)
        ? Optional.of("is not supported yet")
        : Optional.ofNullable(Objectives.notBuiltOptions().get(key))
            .map(why -> "is not supported yet" + why);
  }
}

package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;
import static dev.collimate.config.Key.Role.OPERATIONAL;

import dev.collimate.learn.AdamWConfig;
import dev.collimate.learn.Schedule;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.Precision;
import java.util.Optional;
import java.util.OptionalInt;

/** The {@code train} section. */
public record TrainConfig(
    @Key(
            role = IDENTITY,
            usual = "1",
            range = "> 0",
            meaning = "Passes over the training rows; parts of a pass are allowed.")
        double numTrainEpochs,
    @Key(
            role = IDENTITY,
            usual = "null",
            range = ">= 1",
            meaning = "Optimizer steps, instead of `num_train_epochs`.")
        OptionalInt maxSteps,
    @Key(
            role = IDENTITY,
            usual = "64",
            range = ">= 1",
            meaning = "Examples per optimizer step, however many workers there are.")
        int globalBatchSize,
    @Key(
            role = IDENTITY,
            usual = "4",
            range = ">= 1",
            meaning = "Examples per unit of work: what a worker holds in memory at once.")
        int microBatchSize,
    @Key(
            role = IDENTITY,
            usual = "1.0e-6",
            usualFor = {"sft: 2.0e-5", "reward: 1.0e-4"},
            range = ">= 0",
            meaning = "Peak of the schedule.")
        double learningRate,
    @Key(
            role = IDENTITY,
            usual = "linear",
            meaning = "What follows the warm-up: `constant`, `linear` to 0, or half a `cosine`.")
        Schedule.Type lrSchedulerType,
    @Key(
            role = IDENTITY,
            usual = "0.0",
            range = ">= 0 and <= 1",
            meaning = "Part of the steps in which the learning rate rises from 0.")
        double warmupRatio,
    @Key(
            role = IDENTITY,
            usual = "0",
            range = ">= 0",
            meaning = "Steps of warm-up, instead of `warmup_ratio`.")
        int warmupSteps,
    @Key(
            role = IDENTITY,
            usual = "0.9",
            range = ">= 0 and < 1",
            meaning = "AdamW: decay of the gradient's mean.")
        double adamBeta1,
    @Key(
            role = IDENTITY,
            usual = "0.999",
            range = ">= 0 and < 1",
            meaning = "AdamW: decay of the squared gradient's mean.")
        double adamBeta2,
    @Key(
            role = IDENTITY,
            usual = "1.0e-8",
            range = "> 0",
            meaning = "AdamW: added to the denominator.")
        double adamEpsilon,
    @Key(
            role = IDENTITY,
            usual = "0.0",
            range = ">= 0",
            meaning =
                "AdamW: decay of matrices (embeddings and LoRA factors included), not of vectors.")
        double weightDecay,
    @Key(
            role = IDENTITY,
            usual = "1.0",
            range = ">= 0",
            meaning = "Largest global norm of the gradient; 0: no clipping.")
        double maxGradNorm,
    @Key(
            role = IDENTITY,
            usual = "float32",
            meaning =
                "`bfloat16`: matrix products in bfloat16; norms, softmax, loss, sums and masters"
                    + " in float32.")
        Precision precision,
    @Key(
            role = IDENTITY,
            usual = "false",
            meaning = "Keep each layer's input only and compute the layer again going backward.")
        boolean gradientCheckpointing,
    @Key(
            role = IDENTITY,
            usual = "false",
            meaning =
                "Compute the prompt of a row once for all its sequences, and pad nothing: equal but"
                    + " for rounding, and faster the longer the prompts are.")
        boolean prefixSharing,
    @Key(
            role = IDENTITY,
            usual = "true",
            supported = "true",
            meaning = "Switch the model's own dropout off.")
        boolean disableDropout,
    @Key(
            role = OPERATIONAL,
            usual = "100",
            range = ">= 0",
            meaning = "Steps between checkpoints; 0: one at the end.")
        int saveSteps,
    @Key(
            role = OPERATIONAL,
            usual = "null",
            range = ">= 1",
            meaning = "Checkpoints that are kept, the newest ones; `null`: all.")
        OptionalInt saveTotalLimit,
    @Key(
            role = IDENTITY,
            usual = "false",
            meaning =
                "Publish the best checkpoint that was evaluated instead of the last one, and keep it"
                    + " beside the newest ones. The last step is evaluated too; `save_steps` must be a"
                    + " multiple of `eval_steps`, and both are then the run's identity.")
        boolean loadBestModelAtEnd,
    @Key(
            role = IDENTITY,
            usual = "null",
            meaning =
                "Number of an evaluation that `load_best_model_at_end` compares, with or without"
                    + " `eval_`; `null`: `loss`.")
        Optional<String> metricForBestModel,
    @Key(
            role = IDENTITY,
            usual = "null",
            meaning =
                "Whether the greatest value of `metric_for_best_model` is best; `null`: where its"
                    + " name does not end in `loss`.")
        Optional<Boolean> greaterIsBetter,
    @Key(
            role = OPERATIONAL,
            usual = "100",
            range = ">= 0",
            meaning = "Steps between evaluations on the held-out rows; 0: at the end only.")
        int evalSteps,
    @Key(role = OPERATIONAL, usual = "1", range = ">= 1", meaning = "Steps per line of metrics.")
        int loggingSteps,
    @Key(
            role = IDENTITY,
            usual = "1",
            range = ">= 1",
            meaning =
                "Above 1: every replica takes so many steps by itself before their results are"
                    + " averaged (DiLoCo).")
        int syncEvery,
    @Key(
            role = IDENTITY,
            usual = "null",
            range = ">= 1",
            meaning =
                "Replicas under `sync_every`, which share each global batch; the result depends on"
                    + " their number, not on workers.")
        OptionalInt replicas,
    @Key(
            role = IDENTITY,
            usual = "0.7",
            range = ">= 0",
            meaning = "`sync_every`: learning rate of the step by the averaged result.")
        double outerLearningRate,
    @Key(
            role = IDENTITY,
            usual = "0.9",
            range = ">= 0 and < 1",
            meaning = "`sync_every`: Nesterov momentum of that step.")
        double outerMomentum,
    @Key(
            role = IDENTITY,
            usual = "keep",
            meaning =
                "`sync_every`: whether a replica's AdamW goes on with its moments after a"
                    + " synchronisation, or starts anew (`reset`).")
        InnerState innerState) {

  /** What becomes of a replica's moments at a synchronisation. */
  public enum InnerState {
    KEEP,
    RESET
  }

  /** AdamW's constants. */
  public AdamWConfig adamW() {
    return new AdamWConfig(adamBeta1, adamBeta2, adamEpsilon, weightDecay);
  }

  /** What {@code prefix_sharing} means for the model. */
  public Sharing sharing() {
    return prefixSharing ? Sharing.PREFIXES : Sharing.NONE;
  }

  /** Whether replicas take steps of their own between synchronisations. */
  public boolean hasLocalSteps() {
    return syncEvery > 1;
  }
}

package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;

/**
 * A LoRA adapter as PEFT's adapter_config.json describes it: next to {@code W x} every targeted
 * linear map adds {@code scale * B (A dropout(x))}.
 *
 * @param r rank
 * @param loraAlpha numerator of the scale
 * @param loraDropout probability, in training
 * @param targets which linear maps it adapts
 * @param useRslora whether the scale is {@code alpha / sqrt(r)} instead of {@code alpha / r}
 * @param baseModel PEFT's {@code base_model_name_or_path}, empty where unknown
 * @param task what the adapted model is for
 */
public record AdapterConfig(
    int r,
    double loraAlpha,
    double loraDropout,
    TargetModules targets,
    boolean useRslora,
    String baseModel,
    Task task) {

  /** PEFT's {@code task_type}. */
  public enum Task {
    CAUSAL_LM,
    /** The score head is trained whole and stands beside the factors (modules_to_save). */
    SEQ_CLS
  }

  /** An adapter of a causal language model. */
  public AdapterConfig(
      int r,
      double loraAlpha,
      double loraDropout,
      TargetModules targets,
      boolean useRslora,
      String baseModel) {
    this(r, loraAlpha, loraDropout, targets, useRslora, baseModel, Task.CAUSAL_LM);
  }

  public AdapterConfig {
    if (r < 1) {
      throw CollimateException.usage("r must be at least 1, got " + r);
    }
    if (!(loraAlpha > 0) || Double.isInfinite(loraAlpha)) {
      throw CollimateException.usage("lora_alpha must be a number above 0, got " + loraAlpha);
    }
    if (!(loraDropout >= 0 && loraDropout < 1)) {
      throw CollimateException.usage(
          "lora_dropout must be at least 0 and below 1, got " + loraDropout);
    }
  }

  /** The same adapter for another task. */
  public AdapterConfig withTask(Task other) {
    return new AdapterConfig(r, loraAlpha, loraDropout, targets, useRslora, baseModel, other);
  }

  /** What the product of the factors is multiplied with. */
  public double scale() {
    return loraAlpha / (useRslora ? Math.sqrt(r) : r);
  }

  /**
   * Reads adapter_config.json.
   *
   * @throws CollimateException of kind DATA that names key and value where it is broken or asks for
   *     something that is not built
   */
  static AdapterConfig read(Folder folder) {
    return AdapterConfigParser.parse(folder);
  }
}

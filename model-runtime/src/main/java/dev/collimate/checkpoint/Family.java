package dev.collimate.checkpoint;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The families of decoders whose checkpoints are understood. */
public enum Family {
  LLAMA("LlamaForCausalLM", "llama", "model"),
  MISTRAL("MistralForCausalLM", "mistral", "model"),
  QWEN2("Qwen2ForCausalLM", "qwen2", "model"),
  QWEN3("Qwen3ForCausalLM", "qwen3", "model"),
  GPT2("GPT2LMHeadModel", "gpt2", "transformer");

  private final String architecture;
  private final String modelType;
  private final String bodyModule;

  Family(String architecture, String modelType, String bodyModule) {
    this.architecture = architecture;
    this.modelType = modelType;
    this.bodyModule = bodyModule;
  }

  /** As {@code architectures} in config.json names it. */
  public String architecture() {
    return architecture;
  }

  /** As {@code model_type} in config.json names it. */
  public String modelType() {
    return modelType;
  }

  /** The module that holds everything but the output head. */
  String bodyModule() {
    return bodyModule;
  }

  static Optional<Family> ofArchitecture(String architecture) {
    return Arrays.stream(values())
        .filter(family -> family.architecture.equals(architecture))
        .findAny();
  }

  static String architectures() {
    return Arrays.stream(values()).map(Family::architecture).collect(Collectors.joining(", "));
  }
}

package dev.collimate.checkpoint;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The families of decoders whose checkpoints are understood: each as a causal language model, and
 * as a sequence classifier, which is the same body under a head that gives scores.
 */
public enum Family {
  LLAMA("LlamaForCausalLM", "LlamaForSequenceClassification", "llama", "model"),
  MISTRAL("MistralForCausalLM", "MistralForSequenceClassification", "mistral", "model"),
  QWEN2("Qwen2ForCausalLM", "Qwen2ForSequenceClassification", "qwen2", "model"),
  QWEN3("Qwen3ForCausalLM", "Qwen3ForSequenceClassification", "qwen3", "model"),
  GPT2("GPT2LMHeadModel", "GPT2ForSequenceClassification", "gpt2", "transformer");

  private final String architecture;
  private final String classifier;
  private final String modelType;
  private final String bodyModule;

  Family(String architecture, String classifier, String modelType, String bodyModule) {
    this.architecture = architecture;
    this.classifier = classifier;
    this.modelType = modelType;
    this.bodyModule = bodyModule;
  }

  /** As {@code architectures} in config.json names its causal language model. */
  public String architecture() {
    return architecture;
  }

  /** As {@code architectures} in config.json names its sequence classifier. */
  String classifier() {
    return classifier;
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
        .filter(
            family ->
                family.architecture.equals(architecture) || family.classifier.equals(architecture))
        .findAny();
  }

  static String architectures() {
    return Stream.concat(
            Arrays.stream(values()).map(family -> family.architecture),
            Arrays.stream(values()).map(family -> family.classifier))
        .collect(Collectors.joining(", "));
  }
}

package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.DecoderLayout.Linear;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The tensors of an adapter: for every adapted linear map, in the order of the model, its factors A
 * and B under PEFT's names; then a head that is trained whole.
 *
 * @param targets adapted linear maps
 * @param savedHead the classifier's head, where the adapter brings one
 */
public record AdapterLayout(List<Target> targets, Optional<Linear> savedHead) {

  /** Of a model without any adapter. */
  public static final AdapterLayout NONE = new AdapterLayout(List.of(), Optional.empty());

  /** What PEFT puts before a module's path. */
  static final String PREFIX = "base_model.model.";

  /**
   * An adapted linear map.
   *
   * @param linear the map in the base model
   * @param r rank
   */
  public record Target(Linear linear, int r) {

    /** Factor A [r, inputs]. */
    public Parameter a() {
      return new Parameter(
          PREFIX + linear.module() + ".lora_A.weight", List.of((long) r, (long) linear.inputs()));
    }

    /** Factor B [outputs, r], whatever the base weight's layout. */
    public Parameter b() {
      return new Parameter(
          PREFIX + linear.module() + ".lora_B.weight", List.of((long) linear.outputs(), (long) r));
    }
  }

  public AdapterLayout {
    targets = List.copyOf(targets);
  }

  /**
   * The layout of an adapter on a model.
   *
   * @throws CollimateException of kind USAGE where a target names no linear map of the model
   */
  public static AdapterLayout of(AdapterConfig config, DecoderLayout model) {
    if (config.targets() instanceof TargetModules.Names names) {
      for (String name : names.names()) {
        if (model.linears().stream()
            .noneMatch(linear -> TargetModules.Names.matches(name, linear))) {
          throw noMatch(name, model);
        }
      }
    }
    return ofMatching(config, model);
  }

  /** As {@link #of}, but names without a match are accepted as PEFT accepts them. */
  static AdapterLayout ofMatching(AdapterConfig config, DecoderLayout model) {
    List<Target> targets =
        model.linears().stream()
            .filter(linear -> config.targets().matches(linear, model))
            .map(linear -> new Target(linear, config.r()))
            .toList();
    if (targets.isEmpty()) {
      throw noMatch(config.targets().toString(), model);
    }
    return new AdapterLayout(targets, savedHead(config, model));
  }

  private static Optional<Linear> savedHead(AdapterConfig config, DecoderLayout model) {
    boolean isClassifier = config.task() == AdapterConfig.Task.SEQ_CLS;
    if (isClassifier != model.isClassifier()) {
      throw CollimateException.usage(
          isClassifier
              ? "task_type is SEQ_CLS and the model gives no scores of sequences"
              : "task_type is CAUSAL_LM and the model gives scores of sequences; merge the adapter into its causal model first");
    }
    return isClassifier ? Optional.of(model.head()) : Optional.empty();
  }

  private static CollimateException noMatch(String name, DecoderLayout model) {
    return CollimateException.usage(
        "target_modules: '%s' is no linear module of the model, which has %s"
            .formatted(name, String.join(", ", shortNames(model.linears().stream()))));
  }

  private static List<String> shortNames(Stream<Linear> linears) {
    return linears
        .map(linear -> linear.module().substring(linear.module().lastIndexOf('.') + 1))
        .distinct()
        .sorted(Comparator.naturalOrder())
        .toList();
  }

  /** The trained parameters: A and B of each target in turn, then the head. */
  public ParameterLayout parameters() {
    return new ParameterLayout(
        Stream.concat(
                targets.stream().flatMap(target -> Stream.of(target.a(), target.b())),
                savedHeadWeight().stream())
            .toList());
  }

  /** The weight [labels, hidden] of the head that the adapter brings, under PEFT's name. */
  public Optional<Parameter> savedHeadWeight() {
    return savedHead.map(head -> new Parameter(PREFIX + head.weight(), head.weightShape()));
  }

  /** Whether the adapted weights are stored transposed (PEFT's {@code fan_in_fan_out}). */
  boolean isTransposed() {
    return targets.stream().anyMatch(target -> target.linear().transposed());
  }

  /** The list that PEFT keeps as {@code target_modules}: names given, or those all-linear means. */
  List<String> targetNames(TargetModules modules) {
    return modules instanceof TargetModules.Names names
        ? names.names()
        : shortNames(targets.stream().map(Target::linear));
  }
}

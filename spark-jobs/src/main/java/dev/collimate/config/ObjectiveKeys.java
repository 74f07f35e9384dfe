package dev.collimate.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The objectives, their options, and the names of those that are not built yet. */
final class ObjectiveKeys {

  /**
   * An option.
   *
   * @param usual its default, a Boolean, Double or String, which gives its type
   * @param range bounds of a number
   * @param values legal values of a text
   * @param supported those of {@code values} that are built
   */
  record Option(
      String name,
      Object usual,
      String range,
      List<String> values,
      List<String> supported,
      String meaning) {}

  /** An objective. */
  record Spec(String name, boolean needsReference, List<Option> options) {
    Optional<Option> option(String key) {
      return options.stream().filter(o -> o.name().equals(key)).findFirst();
    }
  }

  private static final List<String> DPO_LOSSES =
      List.of(
          "sigmoid",
          "hinge",
          "ipo",
          "exo_pair",
          "nca_pair",
          "robust",
          "bco_pair",
          "sppo_hard",
          "aot",
          "aot_unpaired",
          "apo_zero",
          "apo_down",
          "discopop",
          "sft",
          "sigmoid_norm");

  static final List<Spec> BUILT =
      List.of(
          new Spec(
              "sft",
              false,
              List.of(
                  new Option(
                      "completion_only_loss",
                      true,
                      "",
                      List.of(),
                      List.of(),
                      "Count the completion's tokens only, in rows of prompt and completion."),
                  new Option(
                      "assistant_only_loss",
                      false,
                      "",
                      List.of(),
                      List.of(),
                      "Count the assistant's tokens only, in `messages`; the chat template must"
                          + " mark them."))),
          new Spec(
              "dpo",
              true,
              List.of(
                  new Option(
                      "loss_type",
                      "sigmoid",
                      "",
                      DPO_LOSSES,
                      List.of("sigmoid"),
                      "The loss of a pair's margin."),
                  new Option(
                      "beta",
                      0.1,
                      "> 0",
                      List.of(),
                      List.of(),
                      "Strength of the pull towards the reference model."))));

  static final List<String> NOT_BUILT =
      List.of(
          "reward",
          "kto",
          "orpo",
          "cpo",
          "simpo",
          "bco",
          "tpo",
          "alphapo",
          "online_dpo",
          "xpo",
          "nash_md",
          "prm",
          "ppo",
          "grpo",
          "rloo");

  /** Options of objectives, present ones or not, that are not built yet. */
  static final List<String> NOT_BUILT_OPTIONS =
      List.of(
          "label_smoothing",
          "f_divergence_type",
          "f_alpha_divergence_coef",
          "ld_alpha",
          "use_weighting",
          "discopop_tau",
          "loss_weights",
          "sync_ref_model",
          "ref_model_mixup_alpha",
          "ref_model_sync_steps",
          "loss_scale",
          "num_generations",
          "kl_coef",
          "gamma",
          "cpo_alpha",
          "desirable_weight",
          "undesirable_weight");

  private ObjectiveKeys() {}

  static Optional<Spec> find(String name) {
    return BUILT.stream().filter(s -> s.name().equals(name)).findFirst();
  }

  static List<String> names() {
    return BUILT.stream().map(Spec::name).toList();
  }

  static List<String> needingReference() {
    return BUILT.stream().filter(Spec::needsReference).map(Spec::name).toList();
  }

  /** The objectives that know an option. */
  static List<String> knowing(String option) {
    return BUILT.stream().filter(s -> s.option(option).isPresent()).map(Spec::name).toList();
  }

  static Map<String, Object> defaults(Spec spec) {
    Map<String, Object> values = new LinkedHashMap<>();
    spec.options().forEach(o -> values.put(o.name(), o.usual()));
    return values;
  }
}

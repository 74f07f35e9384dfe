package dev.collimate.objective;

import dev.collimate.online.Advantages.Scale;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * GRPO's options, under TRL's names, and what they are.
 *
 * @param beta strength of the KL penalty in the loss
 * @param ratio the clip
 * @param epsilonHigh as given: for cispo the bound of the ratio itself
 * @param isBySequence whether the ratio is one of the whole completion
 * @param isNormalizedFirst whether rewards are normalised before they are added up
 * @param offPolicyThreshold mean drift in nats above which a completion of negative advantage is
 *     left out; infinite for none
 * @param correctsKl whether the KL is weighed with the ratio
 */
record GrpoOptions(
    LossType lossType,
    int generations,
    double beta,
    PolicyRatio ratio,
    double epsilonHigh,
    boolean isBySequence,
    Scale scale,
    boolean isNormalizedFirst,
    boolean masksTruncated,
    EntropyControl entropy,
    double offPolicyThreshold,
    boolean correctsKl,
    CompletionFilter filter,
    Soft soft) {

  /** TRL's {@code loss_type}. */
  enum LossType {
    DAPO,
    GRPO,
    BNPO,
    DR_GRPO,
    CISPO,
    SAPO,
    LUSPO,
    VESPO;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** Whether the loss is divided by all tokens of the step. */
    boolean isPerToken() {
      return this == DAPO || this == BNPO || this == CISPO || this == VESPO;
    }

    /** Whether the ratio is clipped. */
    boolean isClipped() {
      return this != CISPO && this != SAPO && this != VESPO;
    }
  }

  /** What sapo and vespo put in the place of the clip. */
  record Soft(
      double temperaturePos,
      double temperatureNeg,
      double kPos,
      double lambdaPos,
      double kNeg,
      double lambdaNeg) {}

  private static final List<String> LOSS_TYPES =
      List.of(LossType.values()).stream().map(LossType::word).toList();
  private static final List<String> CLIPPED =
      List.of(LossType.values()).stream().filter(LossType::isClipped).map(LossType::word).toList();

  static final String NONE = "none";
  private static final String AS_EPSILON = "epsilon";

  static final ObjectiveOption MASK_TRUNCATED =
      ObjectiveOption.flag(
          "mask_truncated_completions", false, "Completions that were cut teach nothing.");

  static final List<ObjectiveOption> OPTIONS = options();

  static final List<ObjectiveSpec.Rule> RULES =
      List.of(
          isWhole("num_generations"),
          new ObjectiveSpec.Rule(
              "importance_sampling_level",
              "must be sequence with loss_type luspo, which weighs whole completions",
              options ->
                  !options.text("loss_type").equals("luspo")
                      || options.text("importance_sampling_level").equals("sequence")));

  private static List<ObjectiveOption> options() {
    List<ObjectiveOption> options = new ArrayList<>();
    options.add(choice("loss_type", LOSS_TYPES, "Which loss; see the formula."));
    options.add(generations(8.0));
    options.add(
        ObjectiveOption.number(
            "beta", 0.0, ">= 0", "Strength of the KL penalty; 0 reads no reference model."));
    options.add(PolicyRatio.EPSILON);
    options.add(
        ObjectiveOption.numberOr(
            "epsilon_high",
            AS_EPSILON,
            ">= 0",
            "The ratio counts up to 1 + epsilon_high; with cispo up to epsilon_high itself, such as"
                + " 5. `epsilon`: as below."));
    options.add(
        ObjectiveOption.numberOr(
                "delta",
                NONE,
                "> 0",
                "The ratio is held at this where the advantage is negative too.")
            .onlyWith("loss_type", CLIPPED));
    options.add(
        choice(
            "importance_sampling_level",
            List.of("token", "sequence"),
            "The ratio of each token, or of the whole completion (GSPO): e to the mean log-ratio."));
    options.add(
        choice(
            "scale_rewards",
            List.of("group", "batch", NONE),
            "The standard deviation that advantages are divided by."));
    options.add(
        choice(
            "multi_objective_aggregation",
            List.of("sum_then_normalize", "normalize_then_sum"),
            "Whether several rewards are added up before they are normalised, or after (GDPO)."));
    options.add(MASK_TRUNCATED);
    options.addAll(EntropyControl.OPTIONS);
    options.add(
        ObjectiveOption.numberOr(
            "off_policy_mask_threshold",
            NONE,
            "",
            "Completions of negative advantage whose log-probability fell by more than this per"
                + " token since the rollout teach nothing."));
    options.add(
        ObjectiveOption.flag(
            "use_bias_correction_kl", false, "Weigh the KL penalty with the ratio."));
    options.addAll(List.of(CompletionFilter.FILTER, CompletionFilter.TRUTH));
    options.add(only("sapo", "sapo_temperature_pos", 1.0, "Softness for positive advantages."));
    options.add(only("sapo", "sapo_temperature_neg", 1.05, "Softness for other advantages."));
    options.add(only("vespo", "vespo_k_pos", 2.0, "Power of the ratio, advantage not negative."));
    options.add(only("vespo", "vespo_lambda_pos", 3.0, "Its decay, advantage not negative."));
    options.add(only("vespo", "vespo_k_neg", 3.0, "Power of the ratio, negative advantage."));
    options.add(only("vespo", "vespo_lambda_neg", 2.0, "Its decay, negative advantage."));
    return List.copyOf(options);
  }

  static ObjectiveOption generations(double usual) {
    return ObjectiveOption.number(
        "num_generations", usual, ">= 2", "Completions of each prompt that are compared.");
  }

  static ObjectiveOption choice(String name, List<String> values, String meaning) {
    return ObjectiveOption.choice(name, values, values, meaning);
  }

  private static ObjectiveOption only(String lossType, String name, double usual, String meaning) {
    return ObjectiveOption.number(name, usual, "> 0", meaning)
        .onlyWith("loss_type", List.of(lossType));
  }

  static ObjectiveSpec.Rule isWhole(String option) {
    return new ObjectiveSpec.Rule(
        option,
        "must be a whole number",
        options -> options.number(option) == Math.rint(options.number(option)));
  }

  static GrpoOptions of(Options options) {
    double epsilon = options.number("epsilon");
    double high = numberOr(options, "epsilon_high", AS_EPSILON, epsilon);
    double delta = numberOr(options, "delta", NONE, Double.POSITIVE_INFINITY);
    return new GrpoOptions(
        LossType.valueOf(options.text("loss_type").toUpperCase(Locale.ROOT)),
        (int) options.number("num_generations"),
        options.number("beta"),
        new PolicyRatio(epsilon, high, delta),
        high,
        options.text("importance_sampling_level").equals("sequence"),
        Scale.valueOf(options.text("scale_rewards").toUpperCase(Locale.ROOT)),
        options.text("multi_objective_aggregation").equals("normalize_then_sum"),
        options.flag(MASK_TRUNCATED.name()),
        EntropyControl.of(options),
        numberOr(options, "off_policy_mask_threshold", NONE, Double.POSITIVE_INFINITY),
        options.flag("use_bias_correction_kl"),
        CompletionFilter.of(options),
        new Soft(
            options.number("sapo_temperature_pos"),
            options.number("sapo_temperature_neg"),
            options.number("vespo_k_pos"),
            options.number("vespo_lambda_pos"),
            options.number("vespo_k_neg"),
            options.number("vespo_lambda_neg")));
  }

  static double numberOr(Options options, String name, String word, double instead) {
    String text = options.text(name);
    return text.equals(word) ? instead : Double.parseDouble(text);
  }
}

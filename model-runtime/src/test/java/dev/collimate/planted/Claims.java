package dev.collimate.planted;

import static dev.collimate.planted.Claim.Expectation.ABOVE_CHANCE;
import static dev.collimate.planted.Claim.Expectation.LESS;
import static dev.collimate.planted.Claim.Expectation.MORE;
import static dev.collimate.planted.Measure.ACCURACY;
import static dev.collimate.planted.Measure.BOTH_WAYS;
import static dev.collimate.planted.Measure.CHOSEN;
import static dev.collimate.planted.Measure.NLL;
import static dev.collimate.planted.Measure.OFFSET;
import static dev.collimate.planted.Measure.ORDER;
import static dev.collimate.planted.Measure.TOKEN_MARGIN;
import static dev.collimate.planted.Measure.UTILITY;
import static dev.collimate.planted.Measure.WIDEST;
import static dev.collimate.planted.Measure.WORST_GROUP;
import static dev.collimate.planted.Scenario.CLEAN;
import static dev.collimate.planted.Scenario.CONSTRAINT;
import static dev.collimate.planted.Scenario.CYCLE;
import static dev.collimate.planted.Scenario.DEMONSTRATIONS;
import static dev.collimate.planted.Scenario.FEW;
import static dev.collimate.planted.Scenario.FLIPS;
import static dev.collimate.planted.Scenario.GOLD;
import static dev.collimate.planted.Scenario.GROUPS;
import static dev.collimate.planted.Scenario.IMBALANCED;
import static dev.collimate.planted.Scenario.LENGTH;
import static dev.collimate.planted.Scenario.NEGATIVES;
import static dev.collimate.planted.Scenario.OFF_POLICY;
import static dev.collimate.planted.Scenario.RATIONALE;
import static dev.collimate.planted.Scenario.REVERSED;
import static dev.collimate.planted.Scenario.SCORED;
import static dev.collimate.planted.Scenario.SCORED_WITH_MARGIN;
import static dev.collimate.planted.Scenario.STATEMENTS;
import static dev.collimate.planted.Scenario.VOTES;
import static dev.collimate.planted.Scenario.WHOLE_ANSWERS;

import dev.collimate.planted.Claim.Direction;
import dev.collimate.planted.Claim.Expectation;
import dev.collimate.planted.Claim.Setup;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The table: objective, rows, measure and what is to come out. It was written before the first run
 * and is not changed by what runs give; a new objective gets a line of its own.
 */
final class Claims {

  private static final Map<String, Object> NONE = Map.of();
  private static final Expectation RISES = new Expectation(Direction.ABOVE, 0);
  private static final Expectation FALLS = new Expectation(Direction.BELOW, 0);

  /** Share of wrong labels in {@link Scenario#FLIPS}. */
  private static final double FLIPPED = 0.3;

  private static final String TEMPLATE = "{prompt}{chosen}/{rejected}?";

  /** Objectives that others are measured beside, and that nothing further is claimed for. */
  static final Set<String> PLAIN = Set.of("sft", "sparsepo", "ranklist", "gpo");

  private Claims() {}

  static List<Claim> all() {
    return Stream.of(dpo(), unpaired(), referenceFree(), cards(), rewards())
        .flatMap(List::stream)
        .toList();
  }

  /** The loss types and options of dpo. */
  private static List<Claim> dpo() {
    return List.of(
        alone(dpo(NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2305.18290"),
        beside(loss("conservative", FLIPPED, FLIPS), ACCURACY, MORE, "cDPO"),
        beside(loss("robust", FLIPPED, FLIPS), ACCURACY, MORE, "arXiv:2403.00409"),
        beside(loss("hinge", CLEAN), WIDEST, LESS, "SLiC: no pull beyond a margin of 1 / beta"),
        new Claim(
            dpo(Map.of("loss_type", "ipo", "beta", 0.5), CLEAN),
            dpo(Map.of("beta", 0.5), CLEAN),
            TOKEN_MARGIN,
            new Expectation(Direction.NEAR, 1),
            "arXiv:2310.12036: margins of 1 / (2 * beta)"),
        beside(loss("exo_pair", 1e-3, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2402.00856"),
        beside(loss("nca_pair", CLEAN), CHOSEN, MORE, "arXiv:2402.05369"),
        beside(loss("bco_pair", CLEAN), CHOSEN, MORE, "arXiv:2404.04656"),
        beside(loss("sppo_hard", CLEAN), CHOSEN, MORE, "arXiv:2405.00675"),
        beside(loss("aot", CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2406.05882"),
        beside(loss("aot_unpaired", CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2406.05882"),
        beside(loss("apo_zero", CLEAN), BOTH_WAYS, RISES, "arXiv:2408.06266"),
        beside(loss("apo_down", CLEAN), CHOSEN, FALLS, "arXiv:2408.06266"),
        beside(loss("discopop", CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2406.08414"),
        beside(loss("sigmoid_norm", LENGTH), Measure.LENGTH, LESS, "arXiv:2411.15124"),
        beside(dpo(Map.of("ld_alpha", 0.3), LENGTH), Measure.LENGTH, LESS, "arXiv:2409.06411"),
        beside(divergence("forward_kl"), ACCURACY, ABOVE_CHANCE, "arXiv:2309.16240"),
        beside(divergence("js_divergence"), ACCURACY, ABOVE_CHANCE, "arXiv:2309.16240"),
        beside(divergence("alpha_divergence"), ACCURACY, ABOVE_CHANCE, "arXiv:2309.16240"),
        beside(dpo(Map.of("use_weighting", true), OFF_POLICY), ACCURACY, MORE, "arXiv:2406.11827"),
        beside(dpo(Map.of("rpo_alpha", 1.0), CLEAN), CHOSEN, MORE, "arXiv:2404.19733"),
        beside(dpo(Map.of("reference_free", true), CLEAN), ACCURACY, ABOVE_CHANCE, "TRL"),
        beside(
            dpo(Map.of("rationale_weight", 0.1, "rationale_template", TEMPLATE), RATIONALE),
            ACCURACY,
            MORE,
            "arXiv:2407.14477"));
  }

  /** Objectives on judged completions. */
  private static List<Claim> unpaired() {
    return List.of(
        beside(of("kto", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2402.01306"),
        beside(of("kto", NONE, IMBALANCED), ACCURACY, MORE, "arXiv:2402.01306"),
        new Claim(
            of("kto", Map.of("desirable_weight", 4.0), IMBALANCED),
            of("kto", NONE, IMBALANCED),
            ACCURACY,
            MORE,
            "arXiv:2402.01306: weights against imbalance"),
        beside(of("apo_zero_unpaired", NONE, CLEAN), BOTH_WAYS, RISES, "arXiv:2408.06266"),
        beside(of("bco", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2404.04656"),
        beside(of("pointwise_dpo", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2312.02554"),
        new Claim(
            of("ulma", NONE, CLEAN),
            of("pointwise_dpo", NONE, CLEAN),
            CHOSEN,
            MORE,
            "arXiv:2312.02554"),
        beside(
            of("pointwise_regression", Map.of("beta", 0.5), SCORED),
            ORDER,
            MORE,
            "arXiv:2312.02554"),
        beside(of("pmpo", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2410.04166"),
        beside(
            of("pmpo", Map.of("alpha", 0.0, "kl_beta", 3.0), NEGATIVES),
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2410.04166: learns from bad answers alone"));
  }

  private static List<Claim> referenceFree() {
    return List.of(
        beside(of("orpo", NONE, CLEAN), CHOSEN, MORE, "arXiv:2403.07691"),
        new Claim(
            of(
                "orpo",
                Map.of(
                    "rationale_weight",
                    1.0,
                    "rationale_loss",
                    "mean_nll",
                    "rationale_template",
                    TEMPLATE),
                RATIONALE),
            of("orpo", NONE, RATIONALE),
            ACCURACY,
            MORE,
            "arXiv:2407.14477"),
        beside(of("cpo", NONE, CLEAN), CHOSEN, MORE, "arXiv:2401.08417"),
        beside(of("simpo", Map.of("beta", 2.0), LENGTH), Measure.LENGTH, LESS, "arXiv:2405.14734"),
        new Claim(
            of("alphapo", Map.of("beta", 2.0), CLEAN),
            of("simpo", Map.of("beta", 2.0), CLEAN),
            CHOSEN,
            MORE,
            "arXiv:2501.03884: less displacement than SimPO"),
        beside(of("tpo", Map.of("beta", 0.1), GOLD), UTILITY, MORE, "arXiv:2405.16681"),
        beside(of("dppo", Map.of("lam", 0.5), CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2301.12842"));
  }

  /** Objectives of research papers, against a reference. */
  private static List<Claim> cards() {
    return List.of(
        beside(of("wpo", Map.of("beta", 0.1), OFF_POLICY), ACCURACY, MORE, "arXiv:2406.11827"),
        beside(
            of("odpo", Map.of("offset_fn", "identity"), SCORED), ORDER, MORE, "arXiv:2402.10571"),
        beside(of("reverse_po", NONE, REVERSED), ORDER, MORE, "Reverse Preference Optimization"),
        new Claim(
            of("citation_apo", NONE, STATEMENTS),
            dpo(NONE, WHOLE_ANSWERS),
            ACCURACY,
            MORE,
            "Attributed text generation by preference"),
        beside(of("madpo", NONE, SCORED), UTILITY, MORE, "Margin Adaptive DPO"),
        beside(
            of("napo", Map.of("q", "1.0"), FLIPS),
            ACCURACY,
            MORE,
            "Noise-Aware Preference Optimization"),
        beside(of("napo", NONE, FLIPS), ACCURACY, MORE, "Noise-Aware Preference Optimization"),
        beside(of("beta_dpo", NONE, FLIPS), ACCURACY, MORE, "arXiv:2407.08639"),
        beside(
            of("gr_dpo", Map.of("beta", 0.1, "eta", 0.3), GROUPS),
            WORST_GROUP,
            MORE,
            "arXiv:2405.20304"),
        beside(
            of("gr_dpo", Map.of("beta", 0.1, "group_weights", "importance"), GROUPS),
            WORST_GROUP,
            MORE,
            "arXiv:2405.20304"),
        // Seven tokens: the targets per token and of the sum are the same.
        new Claim(
            of("gr_ipo", Map.of("beta", 0.1, "eta", 0.01), GROUPS),
            dpo(Map.of("loss_type", "ipo", "beta", 0.7), GROUPS),
            WORST_GROUP,
            MORE,
            "arXiv:2405.20304"),
        beside(
            of("rpo_relative", Map.of("embedding_size", 4.0), FEW),
            ACCURACY,
            MORE,
            "arXiv:2402.10958"),
        beside(
            of("rpo_relative", Map.of("mode", "diagonal"), FEW),
            ACCURACY,
            MORE,
            "arXiv:2402.10958"),
        beside(
            of("mapl", NONE, CONSTRAINT), ACCURACY, MORE, "Multi-Level Aware Preference Learning"),
        beside(
            of("weighted_simpo", Map.of("conditional_pairs", true), CONSTRAINT),
            ACCURACY,
            MORE,
            "OSPO"),
        new Claim(
            of("poft", NONE, DEMONSTRATIONS),
            of("sft", NONE, DEMONSTRATIONS),
            NLL,
            LESS,
            "Preference-Oriented Supervised Fine-Tuning"));
  }

  private static List<Claim> rewards() {
    return List.of(
        alone(of("reward", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2203.02155"),
        reward(
            Map.of("loss_type", "hinge"),
            CLEAN,
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2410.18451: no better than Bradley-Terry"),
        reward(
            Map.of("loss_type", "focal"),
            CLEAN,
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2410.18451: no better than Bradley-Terry"),
        reward(Map.of("center_rewards_coefficient", 0.01), CLEAN, OFFSET, LESS, "arXiv:2312.09244"),
        reward(Map.of("label_smoothing", FLIPPED), FLIPS, ACCURACY, MORE, "arXiv:2401.06080"),
        reward(
            Map.of("preference_strength", "label_flip"), FLIPS, ACCURACY, MORE, "arXiv:2401.06080"),
        reward(
            Map.of("preference_strength", "soft_label"), FLIPS, ACCURACY, MORE, "arXiv:2401.06080"),
        reward(
            Map.of("preference_strength", "adaptive_margin"),
            FLIPS,
            ACCURACY,
            MORE,
            "arXiv:2401.06080"),
        reward(Map.of("agreement", "margin"), VOTES, ORDER, MORE, "Beyond the Binary"),
        reward(Map.of("agreement", "soft_label"), VOTES, ORDER, MORE, "Beyond the Binary"),
        new Claim(
            of("reward", NONE, SCORED_WITH_MARGIN),
            of("reward", NONE, SCORED),
            ORDER,
            MORE,
            "arXiv:2307.09288: column margin"),
        new Claim(
            of("gpm", NONE, CYCLE), of("reward", NONE, CYCLE), ACCURACY, MORE, "arXiv:2410.02197"));
  }

  private static Claim reward(
      Map<String, Object> options,
      Scenario scenario,
      Measure measure,
      Expectation expected,
      String source) {
    return new Claim(
        of("reward", options, scenario), of("reward", NONE, scenario), measure, expected, source);
  }

  /** Beside plain DPO on the same rows. */
  private static Claim beside(Setup treated, Measure measure, Expectation expected, String source) {
    return new Claim(treated, dpo(NONE, treated.scenario()), measure, expected, source);
  }

  /** What the others are compared with. */
  private static Claim alone(Setup treated, Measure measure, Expectation expected, String source) {
    return new Claim(treated, treated, measure, expected, source);
  }

  private static Setup of(String objective, Map<String, Object> options, Scenario scenario) {
    return new Setup(objective, options, scenario);
  }

  private static Setup dpo(Map<String, Object> options, Scenario scenario) {
    return of("dpo", options, scenario);
  }

  private static Setup loss(String type, Scenario scenario) {
    return dpo(Map.of("loss_type", type), scenario);
  }

  private static Setup loss(String type, double labelSmoothing, Scenario scenario) {
    return dpo(Map.of("loss_type", type, "label_smoothing", labelSmoothing), scenario);
  }

  private static Setup divergence(String type) {
    return dpo(Map.of("f_divergence_type", type), CLEAN);
  }
}

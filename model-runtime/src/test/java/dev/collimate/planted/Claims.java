package dev.collimate.planted;

import static dev.collimate.planted.Claim.Expectation.ABOVE_CHANCE;
import static dev.collimate.planted.Claim.Expectation.LESS;
import static dev.collimate.planted.Claim.Expectation.MORE;
import static dev.collimate.planted.Measure.ACCURACY;
import static dev.collimate.planted.Measure.BOTH_WAYS;
import static dev.collimate.planted.Measure.CHOSEN;
import static dev.collimate.planted.Measure.DEGREES;
import static dev.collimate.planted.Measure.ORDER;
import static dev.collimate.planted.Measure.TOKEN_MARGIN;
import static dev.collimate.planted.Measure.UTILITY;
import static dev.collimate.planted.Measure.WIDEST;
import static dev.collimate.planted.Scenario.CLEAN;
import static dev.collimate.planted.Scenario.DEGRADED;
import static dev.collimate.planted.Scenario.FLIPS;
import static dev.collimate.planted.Scenario.GOLD;
import static dev.collimate.planted.Scenario.IMBALANCED;
import static dev.collimate.planted.Scenario.LENGTH;
import static dev.collimate.planted.Scenario.NEGATIVES;
import static dev.collimate.planted.Scenario.OFF_POLICY;
import static dev.collimate.planted.Scenario.POSITIVES;
import static dev.collimate.planted.Scenario.RATIONALE;
import static dev.collimate.planted.Scenario.SCORED;
import static dev.collimate.planted.Scenario.SKEWED;

import dev.collimate.planted.Claim.Direction;
import dev.collimate.planted.Claim.Expectation;
import dev.collimate.planted.Claim.Setup;
import dev.collimate.text.RowShape;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The table: objective, rows, measure and what is to come out. It was written before the first run
 * and is not changed by what runs give; a new objective gets a line of its own.
 */
final class Claims {

  static final Map<String, Object> NONE = Map.of();
  private static final Expectation RISES = new Expectation(Direction.ABOVE, 0);
  private static final Expectation FALLS = new Expectation(Direction.BELOW, 0);

  /** Share of wrong labels in {@link Scenario#FLIPS}. */
  static final double FLIPPED = 0.3;

  private static final String TEMPLATE = "{prompt}{chosen}/{rejected}?";

  /** Objectives that others are measured beside, and that nothing further is claimed for. */
  static final Set<String> PLAIN = Set.of("sft");

  /**
   * Rows that no scenario has: prompts, whose answers the policy would have to write while it is
   * trained.
   */
  static final Set<RowShape> NOT_PLANTED = EnumSet.of(RowShape.PROMPT);

  private Claims() {}

  static List<Claim> all() {
    return Stream.of(dpo(), unpaired(), referenceFree(), CardClaims.all(), RewardClaims.all())
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
            "arXiv:2407.14477"),
        beside(
            dpo(
                Map.of(
                    "rationale_weight",
                    0.1,
                    "rationale_loss",
                    "logsigmoid",
                    "rationale_template",
                    TEMPLATE),
                RATIONALE),
            ACCURACY,
            MORE,
            "arXiv:2407.14477, the authors' code"),
        beside(
            dpo(
                Map.of(
                    "loss_type",
                    List.of("sigmoid", "bco_pair", "sft"),
                    "loss_weights",
                    List.of(0.8, 0.2, 1.0)),
                CLEAN),
            CHOSEN,
            MORE,
            "arXiv:2411.10442: a mixture keeps chosen answers likely"),
        beside(
            dpo(Map.of("sync_ref_model", true, "ref_model_sync_steps", 32), CLEAN),
            UTILITY,
            MORE,
            "arXiv:2404.09656: better answers than of a fixed reference"),
        beside(dpo(Map.of("degree_weight", 0.5), DEGRADED), ACCURACY, MORE, "arXiv:2409.17791"),
        alone(
            dpo(Map.of("degree_weight", 0.5), DEGRADED),
            DEGREES,
            new Expectation(Direction.ABOVE, 0.9),
            "arXiv:2409.17791: the degree can be told"));
  }

  /** Objectives on judged completions. */
  private static List<Claim> unpaired() {
    return List.of(
        beside(setup("kto", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2402.01306"),
        beside(setup("kto", NONE, IMBALANCED), ACCURACY, MORE, "arXiv:2402.01306"),
        new Claim(
            setup("kto", Map.of("desirable_weight", 4.0), IMBALANCED),
            setup("kto", NONE, IMBALANCED),
            ACCURACY,
            MORE,
            "arXiv:2402.01306: weights against imbalance"),
        beside(setup("apo_zero_unpaired", NONE, CLEAN), BOTH_WAYS, RISES, "arXiv:2408.06266"),
        beside(setup("bco", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2404.04656"),
        beside(setup("pointwise_dpo", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2312.02554"),
        new Claim(
            setup("ulma", NONE, CLEAN),
            setup("pointwise_dpo", NONE, CLEAN),
            CHOSEN,
            MORE,
            "arXiv:2312.02554"),
        beside(
            setup("pointwise_regression", Map.of("beta", 0.5), SCORED),
            ORDER,
            MORE,
            "arXiv:2312.02554"),
        beside(setup("pmpo", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2410.04166"),
        beside(
            setup("pmpo", Map.of("alpha", 0.0, "kl_beta", 3.0), NEGATIVES),
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2410.04166: learns from bad answers alone"),
        beside(
            setup("pmpo", Map.of("alpha", 1.0), POSITIVES),
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2410.04166: learns from good answers alone"),
        new Claim(
            setup(
                "bco",
                Map.of("match_underlying_distribution", true, "embedding_size", 4.0),
                SKEWED),
            setup("bco", NONE, SKEWED),
            ACCURACY,
            MORE,
            "arXiv:2404.04656: weights against unlike prompts"),
        beside(
            setup("pointwise_dpo", Map.of("average_log_prob", true), CLEAN),
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2312.02554, the authors' code"));
  }

  private static List<Claim> referenceFree() {
    return List.of(
        beside(setup("orpo", NONE, CLEAN), CHOSEN, MORE, "arXiv:2403.07691"),
        new Claim(
            setup(
                "orpo",
                Map.of(
                    "rationale_weight",
                    1.0,
                    "rationale_loss",
                    "mean_nll",
                    "rationale_template",
                    TEMPLATE),
                RATIONALE),
            setup("orpo", NONE, RATIONALE),
            ACCURACY,
            MORE,
            "arXiv:2407.14477"),
        beside(setup("cpo", NONE, CLEAN), CHOSEN, MORE, "arXiv:2401.08417"),
        beside(
            setup("simpo", Map.of("beta", 2.0), LENGTH), Measure.LENGTH, LESS, "arXiv:2405.14734"),
        new Claim(
            setup("alphapo", Map.of("beta", 2.0), CLEAN),
            setup("simpo", Map.of("beta", 2.0), CLEAN),
            CHOSEN,
            MORE,
            "arXiv:2501.03884: less displacement than SimPO"),
        beside(setup("tpo", Map.of("beta", 0.1), GOLD), UTILITY, MORE, "arXiv:2405.16681"),
        beside(
            setup("dppo", Map.of("lam", 0.5), CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2301.12842"),
        beside(setup("dppo", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2301.12842"),
        beside(setup("cpo", Map.of("loss_type", "hinge"), CLEAN), ACCURACY, ABOVE_CHANCE, "TRL"),
        beside(setup("cpo", Map.of("loss_type", "ipo"), CLEAN), ACCURACY, ABOVE_CHANCE, "TRL"),
        beside(
            setup("tpo", Map.of("loss_type", "tpo-l", "beta", 2.0), GOLD),
            UTILITY,
            MORE,
            "arXiv:2405.16681"),
        beside(
            setup("orpo", Map.of("nll_on", "completion"), CLEAN),
            CHOSEN,
            MORE,
            "arXiv:2403.07691"));
  }

  /** Beside plain DPO on the same rows. */
  static Claim beside(Setup treated, Measure measure, Expectation expected, String source) {
    return new Claim(treated, dpo(NONE, treated.scenario()), measure, expected, source);
  }

  /** What the others are compared with. */
  static Claim alone(Setup treated, Measure measure, Expectation expected, String source) {
    return new Claim(treated, treated, measure, expected, source);
  }

  static Setup setup(String objective, Map<String, Object> options, Scenario scenario) {
    return new Setup(objective, options, scenario);
  }

  static Setup dpo(Map<String, Object> options, Scenario scenario) {
    return setup("dpo", options, scenario);
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

package dev.collimate.planted;

import static dev.collimate.planted.Claim.Expectation.ABOVE_CHANCE;
import static dev.collimate.planted.Claim.Expectation.LESS;
import static dev.collimate.planted.Claim.Expectation.MORE;
import static dev.collimate.planted.Claims.NONE;
import static dev.collimate.planted.Claims.alone;
import static dev.collimate.planted.Claims.beside;
import static dev.collimate.planted.Claims.dpo;
import static dev.collimate.planted.Claims.setup;
import static dev.collimate.planted.Measure.ACCURACY;
import static dev.collimate.planted.Measure.MASK_SHARE;
import static dev.collimate.planted.Measure.MASK_ZEROS;
import static dev.collimate.planted.Measure.NLL;
import static dev.collimate.planted.Measure.ORDER;
import static dev.collimate.planted.Measure.UTILITY;
import static dev.collimate.planted.Measure.WORST_GROUP;
import static dev.collimate.planted.Scenario.ABLATED;
import static dev.collimate.planted.Scenario.CLEAN;
import static dev.collimate.planted.Scenario.CONSTRAINT;
import static dev.collimate.planted.Scenario.DEMONSTRATIONS;
import static dev.collimate.planted.Scenario.FEW;
import static dev.collimate.planted.Scenario.FLIPS;
import static dev.collimate.planted.Scenario.GROUPS;
import static dev.collimate.planted.Scenario.IN_ORDER;
import static dev.collimate.planted.Scenario.MARKED;
import static dev.collimate.planted.Scenario.OFF_POLICY;
import static dev.collimate.planted.Scenario.REVERSED;
import static dev.collimate.planted.Scenario.SCORED;
import static dev.collimate.planted.Scenario.STATEMENTS;
import static dev.collimate.planted.Scenario.TOXIC;
import static dev.collimate.planted.Scenario.WHOLE_ANSWERS;

import dev.collimate.planted.Claim.Direction;
import dev.collimate.planted.Claim.Expectation;
import java.util.List;
import java.util.Map;

/** What is claimed for the objectives of research papers. */
final class CardClaims {

  private CardClaims() {}

  static List<Claim> all() {
    return List.of(
        beside(setup("wpo", Map.of("beta", 0.1), OFF_POLICY), ACCURACY, MORE, "arXiv:2406.11827"),
        beside(
            setup("odpo", Map.of("offset_fn", "identity"), SCORED),
            ORDER,
            MORE,
            "arXiv:2402.10571"),
        beside(setup("reverse_po", NONE, REVERSED), ORDER, MORE, "Reverse Preference Optimization"),
        new Claim(
            setup("citation_apo", NONE, STATEMENTS),
            dpo(NONE, WHOLE_ANSWERS),
            ACCURACY,
            MORE,
            "Attributed text generation by preference"),
        beside(setup("sparsepo", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2410.05102"),
        beside(setup("gpo", Map.of("beta", 1.0), SCORED), ORDER, MORE, "arXiv:2410.02197"),
        beside(setup("madpo", NONE, SCORED), UTILITY, MORE, "Margin Adaptive DPO"),
        beside(
            setup("napo", Map.of("q", "1.0"), FLIPS),
            ACCURACY,
            MORE,
            "Noise-Aware Preference Optimization"),
        beside(setup("napo", NONE, FLIPS), ACCURACY, MORE, "Noise-Aware Preference Optimization"),
        beside(setup("beta_dpo", NONE, FLIPS), ACCURACY, MORE, "arXiv:2407.08639"),
        beside(
            setup("gr_dpo", Map.of("beta", 0.1, "eta", 0.3), GROUPS),
            WORST_GROUP,
            MORE,
            "arXiv:2405.20304"),
        beside(
            setup("gr_dpo", Map.of("beta", 0.1, "group_weights", "importance"), GROUPS),
            WORST_GROUP,
            MORE,
            "arXiv:2405.20304"),
        // Seven tokens: the targets per token and of the sum are the same.
        new Claim(
            setup("gr_ipo", Map.of("beta", 0.1, "eta", 0.01), GROUPS),
            dpo(Map.of("loss_type", "ipo", "beta", 0.7), GROUPS),
            WORST_GROUP,
            MORE,
            "arXiv:2405.20304"),
        beside(
            setup("rpo_relative", Map.of("embedding_size", 4.0), FEW),
            ACCURACY,
            MORE,
            "arXiv:2402.10958"),
        beside(
            setup("rpo_relative", Map.of("mode", "diagonal"), FEW),
            ACCURACY,
            MORE,
            "arXiv:2402.10958"),
        beside(
            setup("mapl", NONE, CONSTRAINT),
            ACCURACY,
            MORE,
            "Multi-Level Aware Preference Learning"),
        beside(
            setup("weighted_simpo", Map.of("conditional_pairs", true), CONSTRAINT),
            ACCURACY,
            MORE,
            "OSPO"),
        new Claim(
            setup("poft", NONE, DEMONSTRATIONS),
            setup("sft", NONE, DEMONSTRATIONS),
            NLL,
            LESS,
            "Preference-Oriented Supervised Fine-Tuning"),
        beside(setup("weighted_simpo", NONE, MARKED), ACCURACY, ABOVE_CHANCE, "OSPO"),
        new Claim(
            setup("weighted_simpo", NONE, MARKED),
            setup("weighted_simpo", Map.of("alpha", 0.0), MARKED),
            ACCURACY,
            MORE,
            "OSPO: tokens that matter count more"),
        beside(
            setup("citation_apo", Map.of("progressive", true), IN_ORDER),
            ACCURACY,
            MORE,
            "Attributed text generation by preference: statement after statement"),
        beside(
            setup("citation_apo", Map.of("progressive", true, "replay", 0.0), IN_ORDER),
            ACCURACY,
            MORE,
            "Attributed text generation by preference: statement after statement"),
        new Claim(
            setup("citation_apo", Map.of("progressive", true), IN_ORDER),
            setup("citation_apo", Map.of("progressive", true, "replay", 0.0), IN_ORDER),
            WORST_GROUP,
            MORE,
            "Attributed text generation by preference: replay against forgetting"),
        beside(setup("odpo", NONE, SCORED), ORDER, MORE, "arXiv:2402.10571, the authors' default"),
        beside(
            setup("napo", Map.of("extra_rejected", "1"), ABLATED),
            ACCURACY,
            MORE,
            "Noise-Aware Preference Optimization: answers without a part of the context"),
        beside(
            setup("rpo_relative", Map.of("mode", "unpaired", "embedding_size", 4.0), FEW),
            ACCURACY,
            MORE,
            "arXiv:2402.10958"),
        beside(setup("sparsepo", Map.of("mask", "ones"), CLEAN), ACCURACY, ABOVE_CHANCE, "TDPO"),
        beside(
            setup("sparsepo", Map.of("mask", "activation"), CLEAN),
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2410.05102: MaPO"),
        beside(
            setup("sparsepo", Map.of("mask", "independent"), CLEAN),
            ACCURACY,
            ABOVE_CHANCE,
            "arXiv:2410.05102"),
        new Claim(
            setup("sparsepo", Map.of("l1_reward", 0.1, "l1_kl", 0.1), CLEAN),
            setup("sparsepo", NONE, CLEAN),
            MASK_ZEROS,
            MORE,
            "arXiv:2410.05102"),
        beside(setup("sparsepo", NONE, TOXIC), ACCURACY, ABOVE_CHANCE, "arXiv:2410.05102"),
        alone(
            setup("sparsepo", NONE, TOXIC),
            MASK_SHARE,
            new Expectation(Direction.ABOVE, 0.143),
            "arXiv:2410.05102: the mask finds the token that decides"),
        beside(
            setup("napo", Map.of("margin", "mean"), FLIPS),
            ACCURACY,
            MORE,
            "Noise-Aware Preference Optimization"),
        beside(
            setup("gr_dpo", Map.of("beta", 0.1, "eta", 0.3, "divide_by_totalcount", false), GROUPS),
            WORST_GROUP,
            MORE,
            "arXiv:2405.20304"));
  }
}

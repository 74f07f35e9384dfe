package dev.collimate.planted;

import static dev.collimate.planted.Claim.Expectation.ABOVE_CHANCE;
import static dev.collimate.planted.Claim.Expectation.LESS;
import static dev.collimate.planted.Claim.Expectation.MORE;
import static dev.collimate.planted.Claims.FLIPPED;
import static dev.collimate.planted.Claims.NONE;
import static dev.collimate.planted.Claims.alone;
import static dev.collimate.planted.Claims.setup;
import static dev.collimate.planted.Measure.ACCURACY;
import static dev.collimate.planted.Measure.OFFSET;
import static dev.collimate.planted.Measure.ORDER;
import static dev.collimate.planted.Scenario.CLEAN;
import static dev.collimate.planted.Scenario.CONTEXT;
import static dev.collimate.planted.Scenario.CYCLE;
import static dev.collimate.planted.Scenario.DRIFTED;
import static dev.collimate.planted.Scenario.FLIPS;
import static dev.collimate.planted.Scenario.LISTS;
import static dev.collimate.planted.Scenario.OTHER_CONTEXT;
import static dev.collimate.planted.Scenario.SCORED;
import static dev.collimate.planted.Scenario.SCORED_WITH_MARGIN;
import static dev.collimate.planted.Scenario.VOTES;

import dev.collimate.planted.Claim.Direction;
import dev.collimate.planted.Claim.Expectation;
import dev.collimate.planted.Claim.Setup;
import java.util.List;
import java.util.Map;

/** What is claimed for reward models. */
final class RewardClaims {

  private RewardClaims() {}

  static List<Claim> all() {
    return List.of(
        alone(setup("reward", NONE, CLEAN), ACCURACY, ABOVE_CHANCE, "arXiv:2203.02155"),
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
            setup("reward", NONE, SCORED_WITH_MARGIN),
            setup("reward", NONE, SCORED),
            ORDER,
            MORE,
            "arXiv:2307.09288: column margin"),
        new Claim(
            setup("gpm", NONE, CYCLE),
            setup("reward", NONE, CYCLE),
            ACCURACY,
            MORE,
            "arXiv:2410.02197"),
        reward(Map.of("contrastive", "simcse"), DRIFTED, ACCURACY, MORE, "arXiv:2401.06080"),
        reward(Map.of("contrastive", "simcse_diff"), DRIFTED, ACCURACY, MORE, "arXiv:2401.06080"),
        reward(
            Map.of("context_column", "context"),
            CONTEXT,
            ACCURACY,
            new Expectation(Direction.ABOVE, 0.95),
            "arXiv:2407.14916"),
        alone(
            setup("reward", Map.of("context_column", "context"), OTHER_CONTEXT),
            ACCURACY,
            new Expectation(Direction.NEAR, 0.5),
            "arXiv:2407.14916: a wrong context undoes it"),
        ranklist(NONE, setup("reward", NONE, LISTS), "arXiv:2508.09826"),
        ranklist(Map.of("lse", true), setup("reward", NONE, LISTS), "arXiv:2508.09826"),
        ranklist(
            Map.of("max_skip", 2.0),
            setup("ranklist", Map.of("max_skip", 1.0), LISTS),
            "arXiv:2508.09826: more than neighbours"),
        ranklist(
            Map.of("max_skip", 3.0),
            setup("ranklist", Map.of("max_skip", 2.0), LISTS),
            "arXiv:2508.09826: more than neighbours"),
        reward(
            Map.of("agreement", "margin", "clamp_agreement_margin", true),
            VOTES,
            ORDER,
            MORE,
            "Beyond the Binary"),
        new Claim(
            setup("gpm", Map.of("value_head_dim", 4.0, "prompt_gate", true), CYCLE),
            setup("reward", NONE, CYCLE),
            ACCURACY,
            MORE,
            "arXiv:2410.02197"));
  }

  private static Claim reward(
      Map<String, Object> options,
      Scenario scenario,
      Measure measure,
      Expectation expected,
      String source) {
    return new Claim(
        setup("reward", options, scenario),
        setup("reward", NONE, scenario),
        measure,
        expected,
        source);
  }

  private static Claim ranklist(Map<String, Object> options, Setup beside, String source) {
    return new Claim(setup("ranklist", options, LISTS), beside, ACCURACY, MORE, source);
  }
}

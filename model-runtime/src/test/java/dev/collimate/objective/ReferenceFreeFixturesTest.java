package dev.collimate.objective;

import static dev.collimate.objective.LossFixtures.near;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** TRL's losses of pairs without a reference model, and their derivatives. */
@Tag("fixtures")
class ReferenceFreeFixturesTest {

  @TestFactory
  Stream<DynamicTest> meanLogProbabilitiesGiveTrlsOrpoLoss() {
    return LossFixtures.tests("orpo", ReferenceFreeFixturesTest::orpo);
  }

  private static Optional<LossFixtures.Check> orpo(String name) {
    return switch (name) {
      case "loss" ->
          Optional.of(
              (softly, fixture, expected) -> near(softly, name, orpo(fixture).loss(), expected));
      case "mean_log_sigmoid" ->
          Optional.of(
              (softly, fixture, expected) ->
                  near(softly, name, orpo(fixture).metric("log_odds_ratio"), expected));
      case "mean_log_odds" ->
          Optional.of(
              (softly, fixture, expected) ->
                  near(softly, name, orpo(fixture).metric("log_odds_chosen"), expected));
      case "beta_times_log_sigmoid_log_odds" ->
          Optional.of(
              (softly, fixture, expected) -> {
                List<RowLoss> rows = orpo(fixture).losses();
                for (int i = 0; i < rows.size(); i++) {
                  double term = rows.get(i).terms().get(1).loss().value();
                  near(softly, name, -term, expected.get(i));
                }
              });
      case "grad_policy_chosen_mean" ->
          Optional.of(
              (softly, fixture, expected) -> {
                List<Map<String, double[]>> gradients = orpo(fixture).gradients();
                for (int i = 0; i < gradients.size(); i++) {
                  double[] chosen = gradients.get(i).get("chosen");
                  double ofNll = -1.0 / (2 * gradients.size());
                  near(softly, "prompt", chosen[0], ofNll, LossFixtures.FLOAT64);
                  near(softly, name, chosen[1] - ofNll, expected.get(i));
                }
              });
      case "grad_policy_rejected_mean" ->
          Optional.of(
              (softly, fixture, expected) -> {
                List<Map<String, double[]>> gradients = orpo(fixture).gradients();
                for (int i = 0; i < gradients.size(); i++) {
                  near(softly, name, gradients.get(i).get("rejected")[0], expected.get(i));
                }
              });
      default -> Optional.empty();
    };
  }

  /** Chosen sides of a prompt token and a completion token, which give the means of a fixture. */
  private static ObjectiveStep.Result orpo(JsonNode fixture) {
    JsonNode inputs = fixture.get("inputs");
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < inputs.get("policy_chosen_mean_logps").size(); i++) {
      double chosen = inputs.get("policy_chosen_mean_logps").get(i).asDouble();
      double prompt = -2 * inputs.get("chosen_nll").asDouble() - chosen;
      double rejected = inputs.get("policy_rejected_mean_logps").get(i).asDouble();
      Map<String, double[]> policy =
          Map.of("chosen", new double[] {prompt, chosen}, "rejected", new double[] {rejected});
      rows.add(ObjectiveStep.Row.of(policy, Reference.NONE).withPrompt("chosen", 1));
    }
    Objective orpo = Objectives.create("orpo", Map.of("beta", fixture.get("beta").asDouble()));
    return ObjectiveStep.first(orpo, rows);
  }

  @TestFactory
  Stream<DynamicTest> logProbabilitiesGiveTrlsCpoLosses() {
    return LossFixtures.tests("cpo_simpo", ReferenceFreeFixturesTest::cpo);
  }

  private static Optional<LossFixtures.Check> cpo(String name) {
    return switch (name) {
      case "cpo_sigmoid", "cpo_hinge", "cpo_ipo" ->
          Optional.of(
              (softly, fixture, expected) -> {
                Map<String, Object> options = new LinkedHashMap<>();
                options.put("loss_type", name.substring("cpo_".length()));
                if (name.equals("cpo_sigmoid")) {
                  options.put("label_smoothing", fixture.get("label_smoothing").asDouble());
                }
                cpo(softly, "cpo", options, fixture, expected);
              });
      case "simpo", "alphapo" ->
          Optional.of(
              (softly, fixture, expected) -> {
                Map<String, Object> options = new LinkedHashMap<>();
                options.put("label_smoothing", fixture.get("label_smoothing").asDouble());
                options.put("simpo_gamma", fixture.get("simpo_gamma").asDouble());
                if (name.equals("alphapo")) {
                  options.put("alphapo_alpha", expected.get("alphapo_alpha").asDouble());
                }
                cpo(softly, name, options, fixture, expected);
              });
      default -> Optional.empty();
    };
  }

  /** The fixture's cross-entropy is a number of its own, so it is added here. */
  private static void cpo(
      SoftAssertions softly,
      String name,
      Map<String, Object> options,
      JsonNode fixture,
      JsonNode expected) {
    options.put("beta", expected.get("beta").asDouble());
    options.put("cpo_alpha", 0.0);
    JsonNode inputs = fixture.get("inputs").get(expected.get("log_probabilities_used").asText());
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < inputs.get("chosen").size(); i++) {
      rows.add(
          ObjectiveStep.Row.of(
              Map.of(
                  "chosen", new double[] {inputs.get("chosen").get(i).asDouble()},
                  "rejected", new double[] {inputs.get("rejected").get(i).asDouble()}),
              Reference.NONE));
    }
    ObjectiveStep.Result step = ObjectiveStep.first(Objectives.create(name, options), rows);
    for (int i = 0; i < rows.size(); i++) {
      RowLoss row = step.losses().get(i);
      near(softly, "loss", row.terms().get(0).loss().value(), expected.get("losses").get(i));
      Map<String, double[]> gradients = step.gradients().get(i);
      near(softly, "chosen", gradients.get("chosen")[0], expected.get("grad_chosen").get(i));
      near(softly, "rejected", gradients.get("rejected")[0], expected.get("grad_rejected").get(i));
      near(softly, "reward", row.metrics().get(0).sum(), expected.get("rewards_chosen").get(i));
      near(softly, "reward", row.metrics().get(1).sum(), expected.get("rewards_rejected").get(i));
    }
    double nll = fixture.get("cpo_alpha").asDouble() * fixture.at("/inputs/chosen_nll").asDouble();
    near(softly, "total", step.loss() + nll, expected.get("total"));
  }
}

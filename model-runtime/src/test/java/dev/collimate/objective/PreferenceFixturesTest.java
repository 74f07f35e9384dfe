package dev.collimate.objective;

import static dev.collimate.objective.LossFixtures.near;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** TRL's losses of pairs and their derivatives, on given summed log-probabilities. */
@Tag("fixtures")
class PreferenceFixturesTest {

  @TestFactory
  Stream<DynamicTest> summedLogProbabilitiesGiveTrlsLosses() {
    return LossFixtures.tests("preference", PreferenceFixturesTest::check);
  }

  private static Optional<LossFixtures.Check> check(String name) {
    return name.equals("sigmoid")
        ? Optional.of(PreferenceFixturesTest::sigmoid)
        : Optional.of(LossFixtures.skipped(name + " is not built"));
  }

  private static void sigmoid(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    Objective dpo = Objectives.create("dpo", Map.of("beta", fixture.get("beta").asDouble()));
    ObjectiveStep.Result step = ObjectiveStep.first(dpo, rows(fixture.get("inputs")));
    for (int i = 0; i < step.losses().size(); i++) {
      RowLoss row = step.losses().get(i);
      Map<String, double[]> gradients = step.gradients().get(i);
      near(softly, "loss", row.terms().get(0).loss().value(), expected.get("losses").get(i));
      near(softly, "chosen", gradients.get("chosen")[0], expected.get("grad_policy_chosen").get(i));
      near(
          softly,
          "rejected",
          gradients.get("rejected")[0],
          expected.get("grad_policy_rejected").get(i));
      near(
          softly,
          "reward",
          row.metrics().get(0).sum(),
          fixture.at("/expected_rewards/chosen").get(i));
    }
    near(softly, "mean", step.loss(), expected.get("mean"));
  }

  private static List<ObjectiveStep.Row> rows(JsonNode inputs) {
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < inputs.get("policy_chosen_logps").size(); i++) {
      rows.add(
          ObjectiveStep.Row.of(
              Map.of(
                  "chosen", tokens(inputs, "chosen", i), "rejected", tokens(inputs, "rejected", i)),
              new Reference(
                  Map.of(
                      "chosen", inputs.get("reference_chosen_logps").get(i).asDouble(),
                      "rejected", inputs.get("reference_rejected_logps").get(i).asDouble()),
                  Map.of())));
    }
    return rows;
  }

  /** As many equal log-probabilities as the sequence is long, with the given sum. */
  private static double[] tokens(JsonNode inputs, String role, int row) {
    double[] tokens = new double[inputs.get(role + "_lengths").get(row).asInt()];
    double sum = inputs.get("policy_" + role + "_logps").get(row).asDouble();
    Arrays.fill(tokens, sum / tokens.length);
    return tokens;
  }
}

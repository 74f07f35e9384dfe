package dev.collimate.objective;

import static dev.collimate.objective.LossFixtures.near;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** TRL's losses of judged completions and their derivatives, on summed log-probabilities. */
@Tag("fixtures")
class UnpairedFixturesTest {

  /** TRL keeps the running mean in float32. */
  private static final double FLOAT32_MEAN = 1e-6;

  @TestFactory
  Stream<DynamicTest> summedLogProbabilitiesGiveTrlsKtoLosses() {
    return LossFixtures.tests("kto", UnpairedFixturesTest::kto);
  }

  private static Optional<LossFixtures.Check> kto(String name) {
    return Objectives.find(name).isEmpty()
        ? Optional.empty()
        : Optional.of((softly, fixture, expected) -> kto(softly, name, fixture, expected));
  }

  private static void kto(SoftAssertions softly, String name, JsonNode fixture, JsonNode expected) {
    Objective objective =
        Objectives.create(
            name,
            Map.of(
                "beta", fixture.get("beta").asDouble(),
                "desirable_weight", fixture.get("desirable_weight").asDouble(),
                "undesirable_weight", fixture.get("undesirable_weight").asDouble()));
    List<ObjectiveStep.Row> rows = rows(fixture.get("inputs"));
    ObjectiveStep.Result step = ObjectiveStep.first(objective, rows);
    check(softly, rows, step, expected);
    if (name.equals("kto")) {
      near(softly, "kl", step.metric("kl"), expected.get("kl"));
    }
    checkRewards(softly, step, "chosen", expected.get("rewards_chosen"));
    checkRewards(softly, step, "rejected", expected.get("rewards_rejected"));
  }

  private static void checkRewards(
      SoftAssertions softly, ObjectiveStep.Result step, String side, JsonNode expected) {
    List<Double> rewards = new ArrayList<>();
    step.losses().stream()
        .flatMap(row -> row.metrics().stream())
        .filter(metric -> metric.name().equals("rewards/" + side))
        .forEach(metric -> rewards.add(metric.sum()));
    softly.assertThat(rewards).hasSize(expected.size());
    for (int i = 0; i < rewards.size(); i++) {
      near(softly, "reward " + i, rewards.get(i), expected.get(i));
    }
  }

  @TestFactory
  Stream<DynamicTest> theRunningMeanOfTrlsBcoGoesOnFromBatchToBatch() {
    return LossFixtures.section("bco_unpaired").stream()
        .map(
            fixture ->
                DynamicTest.dynamicTest(
                    fixture.get("id").asText(),
                    () -> {
                      SoftAssertions softly = new SoftAssertions();
                      bco(softly, fixture);
                      softly.assertAll();
                    }));
  }

  private static void bco(SoftAssertions softly, JsonNode fixture) {
    Objective bco = Objectives.create("bco", Map.of("beta", fixture.get("beta").asDouble()));
    double[] state = {0, 0};
    for (JsonNode batch : fixture.get("batches")) {
      List<ObjectiveStep.Row> rows = rows(batch.get("inputs"));
      ObjectiveStep.Result step = ObjectiveStep.run(bco, rows, state, new double[0]);
      near(
          softly,
          "delta",
          step.metric("delta"),
          batch.get("delta_after_update").asDouble(),
          FLOAT32_MEAN);
      check(softly, rows, step, batch);
      state = step.state();
    }
  }

  private static void check(
      SoftAssertions softly,
      List<ObjectiveStep.Row> rows,
      ObjectiveStep.Result step,
      JsonNode expected) {
    near(softly, "mean", step.loss(), expected.get("mean"));
    int chosen = expected.get("grad_policy_chosen").size();
    for (int i = 0; i < rows.size(); i++) {
      near(
          softly,
          "loss " + i,
          step.losses().get(i).terms().get(0).loss().value(),
          expected.get("losses").get(i));
      JsonNode gradient =
          i < chosen
              ? expected.get("grad_policy_chosen").get(i)
              : expected.get("grad_policy_rejected").get(i - chosen);
      near(softly, "gradient " + i, step.gradients().get(i).get("completion")[0], gradient);
    }
  }

  /** Desirable rows first; the mismatched completions, where there are any, in the same order. */
  private static List<ObjectiveStep.Row> rows(JsonNode inputs) {
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (String side : List.of("chosen", "rejected")) {
      for (int i = 0; i < inputs.get("policy_" + side + "_logps").size(); i++) {
        double kl = number(inputs, "policy_KL_logps", rows.size());
        rows.add(
            new ObjectiveStep.Row(
                "row",
                Map.of(
                    "completion",
                    new double[] {number(inputs, "policy_" + side + "_logps", i)},
                    "kl",
                    new double[] {kl}),
                Map.of(),
                new Reference(
                    Map.of(
                        "completion", number(inputs, "reference_" + side + "_logps", i),
                        "kl", number(inputs, "reference_KL_logps", rows.size())),
                    Map.of()),
                Map.of("label", side.equals("chosen") ? 1.0 : 0.0),
                1));
      }
    }
    return rows;
  }

  private static double number(JsonNode inputs, String name, int row) {
    return inputs.has(name) ? inputs.get(name).get(row).asDouble() : 0;
  }
}

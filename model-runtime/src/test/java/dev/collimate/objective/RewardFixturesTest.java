package dev.collimate.objective;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.objective.LossFixtures.Check;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Rewards give the losses, gradients and accuracies of TRL's RewardTrainer. */
@Tag("fixtures")
class RewardFixturesTest {

  @TestFactory
  Stream<DynamicTest> rewardsGiveTrlsLossesAndGradients() {
    return LossFixtures.tests("reward", name -> Optional.ofNullable(check(name)));
  }

  private static Check check(String name) {
    return switch (name) {
      case "loss" ->
          (softly, fixture, expected) ->
              LossFixtures.near(softly, name, step(fixture).loss(), expected);
      case "accuracy" ->
          (softly, fixture, expected) ->
              LossFixtures.near(softly, name, accuracy(step(fixture)), expected);
      case "grad_rewards_chosen" ->
          (softly, fixture, expected) -> side(softly, fixture, 0, expected);
      case "grad_rewards_rejected" ->
          (softly, fixture, expected) -> side(softly, fixture, 1, expected);
      default -> null;
    };
  }

  private static void side(SoftAssertions softly, JsonNode fixture, int side, JsonNode expected) {
    ScoreStep.Result step = step(fixture);
    for (int i = 0; i < expected.size(); i++) {
      LossFixtures.near(softly, "row " + i, step.gradients()[i][side][0], expected.get(i));
    }
  }

  private static double accuracy(ScoreStep.Result step) {
    ToDoubleFunction<RowLoss> ofRow =
        row ->
            row.metrics().stream()
                .filter(metric -> metric.name().equals("accuracy"))
                .mapToDouble(RowLoss.Metric::sum)
                .sum();
    return step.rows().stream().mapToDouble(ofRow).average().orElseThrow();
  }

  private static ScoreStep.Result step(JsonNode fixture) {
    JsonNode inputs = fixture.get("inputs");
    Objective reward =
        Objectives.create(
            "reward",
            Map.of(
                "center_rewards_coefficient", inputs.get("center_rewards_coefficient").asDouble()));
    List<ScoreStep.Pair> pairs = new ArrayList<>();
    for (int i = 0; i < inputs.get("rewards_chosen").size(); i++) {
      ScoreStep.Pair pair =
          ScoreStep.Pair.of(
              inputs.get("rewards_chosen").get(i).asDouble(),
              inputs.get("rewards_rejected").get(i).asDouble());
      pairs.add(
          inputs.get("margin").isNull()
              ? pair
              : pair.with("margin", inputs.get("margin").get(i).asDouble()));
    }
    return ScoreStep.of(reward, pairs);
  }
}

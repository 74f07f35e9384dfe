package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.objective.ScoreStep.Pair;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowShape;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Objectives of the table that train reward models; every option that changes the loss. */
class RewardTest {

  private static final double STEP = 1e-5;
  private static final double EXACT = 1e-12;

  /** An objective with options. */
  record Case(String name, Map<String, Object> options) {
    Objective objective() {
      return Objectives.create(name, options);
    }
  }

  static Stream<Case> cases() {
    Stream<Case> byDefault =
        Objectives.table().stream()
            .map(spec -> new Case(spec.name(), Map.of()))
            .filter(each -> each.objective().declaration().shape() == RowShape.REWARD);
    return Stream.concat(
        byDefault,
        Stream.of(
            new Case("reward", Map.of("center_rewards_coefficient", 0.25)),
            new Case("reward", Map.of("loss_type", "hinge")),
            new Case("reward", Map.of("loss_type", "focal", "focal_gamma", 1.5)),
            new Case("reward", Map.of("label_smoothing", 0.125)),
            new Case("reward", Map.of("preference_strength", "label_flip")),
            new Case("reward", Map.of("preference_strength", "soft_label")),
            new Case("reward", Map.of("preference_strength", "adaptive_margin")),
            new Case("reward", Map.of("agreement", "margin", "agreement_scale", 2.0)),
            new Case("reward", Map.of("agreement", "soft_label")),
            new Case("gpm", Map.of("value_head_dim", 6.0, "tau", 1.0)),
            new Case("gpm", Map.of("value_head_dim", 4.0, "tau", 1.0, "normalize", true))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void derivativesAreThoseOfFiniteDifferences(Case each) {
    Objective objective = each.objective();
    Random random = new Random(8);
    for (int draw = 0; draw < 20; draw++) {
      Pair pair = pair(objective, random, 2);
      double[][] gradients = ScoreStep.of(objective, List.of(pair)).gradients()[0];
      double[][] sides = {pair.chosen(), pair.rejected()};
      for (int side = 0; side < 2; side++) {
        for (int label = 0; label < sides[side].length; label++) {
          double at = sides[side][label];
          sides[side][label] = at + STEP;
          double up = ScoreStep.loss(objective, pair);
          sides[side][label] = at - STEP;
          double down = ScoreStep.loss(objective, pair);
          sides[side][label] = at;
          assertThat(gradients[side][label])
              .as("draw %d, side %d, label %d", draw, side, label)
              .isCloseTo((up - down) / (2 * STEP), within(1e-6));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lossAndGradientAreFiniteAtLargeRewards(Case each) {
    Objective objective = each.objective();
    for (double reward : new double[] {1e4, -1e4}) {
      Pair drawn = pair(objective, new Random(3), 1);
      double[] chosen = drawn.chosen();
      chosen[0] = reward;
      ScoreStep.Result step = ScoreStep.of(objective, List.of(drawn));
      assertThat(step.loss()).isFinite();
      for (double[] side : step.gradients()[0]) {
        for (double gradient : side) {
          assertThat(gradient).isFinite();
        }
      }
    }
  }

  private static Pair pair(Objective objective, Random random, double spread) {
    int labels = objective.declaration().scores();
    double[] chosen = random.doubles(labels, -spread, spread).toArray();
    double[] rejected = random.doubles(labels, -spread, spread).toArray();
    return new Pair(chosen, rejected, Map.of())
        .with("margin", random.nextDouble())
        .with("preference_strength", random.nextGaussian())
        .with("agreement", random.nextDouble());
  }

  @Test
  void aPairIsWorthWhatBradleyAndTerrySay() {
    // softplus(-(1.5 - 0.25)) = log(1 + e^-1.25)
    assertThat(reward(Map.of(), Pair.of(1.5, 0.25)))
        .isCloseTo(Math.log1p(Math.exp(-1.25)), within(EXACT));
    // with a margin of 0.5: log(1 + e^-0.75); centred: 0.01 * 1.75^2 more
    Pair margin = Pair.of(1.5, 0.25).with("margin", 0.5);
    assertThat(reward(Map.of("center_rewards_coefficient", 0.01), margin))
        .isCloseTo(Math.log1p(Math.exp(-0.75)) + 0.030625, within(EXACT));
  }

  @Test
  void metricsHaveTrlsNames() {
    assertThat(
            ScoreStep.of(Objectives.create("reward", Map.of()), List.of(Pair.of(1.5, 0.25)))
                .rows()
                .get(0)
                .metrics())
        .containsExactly(
            new RowLoss.Metric("accuracy", 1, 1),
            new RowLoss.Metric("margin", 1.25, 1),
            new RowLoss.Metric("min_reward", 0.25, RowLoss.Metric.LEAST),
            new RowLoss.Metric("mean_reward", 1.75, 2),
            new RowLoss.Metric("max_reward", 1.5, RowLoss.Metric.GREATEST));
  }

  @Test
  void aStrengthOfAHugeLabelIsThePlainLoss() {
    Pair pair = Pair.of(0.3, -0.4);
    double plain = reward(Map.of(), pair);
    assertThat(
            reward(
                Map.of("preference_strength", "soft_label"), pair.with("preference_strength", 1e4)))
        .isEqualTo(plain);
    assertThat(
            reward(
                Map.of("preference_strength", "adaptive_margin"),
                pair.with("preference_strength", 0)))
        .isEqualTo(plain);
    assertThat(
            reward(
                Map.of("preference_strength", "label_flip"), pair.with("preference_strength", 0.1)))
        .isEqualTo(plain);
    assertThat(reward(Map.of("loss_type", "focal", "focal_gamma", 0.0), pair)).isEqualTo(plain);
    assertThat(reward(Map.of("agreement", "soft_label"), pair.with("agreement", 1)))
        .isEqualTo(plain);
  }

  @Test
  void aWeakLabelIsFlipped() {
    Pair weak = Pair.of(0.3, -0.4).with("preference_strength", -0.2);
    assertThat(reward(Map.of("preference_strength", "label_flip"), weak))
        .isEqualTo(reward(Map.of(), Pair.of(-0.4, 0.3)));
    assertThat(reward(Map.of("preference_strength", "label_flip", "flip_below", -0.5), weak))
        .isEqualTo(reward(Map.of(), Pair.of(0.3, -0.4)));
  }

  /** The gradient of {@code a * sp(-d) + (1 - a) * sp(d)} is {@code sigmoid(d) - a}. */
  @ParameterizedTest
  @CsvSource({"0.25", "0.5", "0.875"})
  void aSoftLabelIsLeastAtItsLogit(double share) {
    double logit = Math.log(share / (1 - share));
    Pair pair = Pair.of(logit, 0).with("agreement", share).with("preference_strength", logit);
    assertThat(gradient(Map.of("agreement", "soft_label"), pair)).isCloseTo(0, within(EXACT));
    assertThat(gradient(Map.of("preference_strength", "soft_label"), pair))
        .isCloseTo(0, within(EXACT));
  }

  @ParameterizedTest
  @CsvSource({
    "1.0, 2.0, false, 2.0",
    "0.75, 2.0, false, 1.0",
    "0.25, 1.0, false, -0.5",
    "0.25, 1.0, true, 0"
  })
  void agreementOfJudgesIsAMargin(double share, double scale, boolean clamp, double margin) {
    Map<String, Object> options =
        Map.of("agreement", "margin", "agreement_scale", scale, "clamp_agreement_margin", clamp);
    assertThat(reward(options, Pair.of(0.3, -0.4).with("agreement", share)))
        .isEqualTo(reward(Map.of(), Pair.of(0.3, -0.4).with("margin", margin)));
  }

  @Test
  void columnsAreRequiredWhereAnOptionReadsThem() {
    assertThat(Objectives.create("reward", Map.of()).declaration().columns().numbers())
        .containsExactly(NumberColumn.optional("margin"));
    assertThat(
            Objectives.create("reward", Map.of("agreement", "margin"))
                .declaration()
                .columns()
                .numbers())
        .contains(NumberColumn.required("agreement").within(">= 0 and <= 1"));
  }

  @Test
  void oneProbabilityOfALabelIsEnough() {
    assertThatThrownBy(
            () ->
                Objectives.create(
                    "reward", Map.of("label_smoothing", 0.1, "agreement", "soft_label")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("each give the label's probability; give one of them");
  }

  /** Three unit vectors at 120 degrees: {@code sin 120 = 0.866}. */
  @Test
  void generalPreferencesCanGoRoundInACircle() {
    double[][] vectors = new double[3][];
    for (int i = 0; i < 3; i++) {
      double angle = 2 * Math.PI * i / 3;
      vectors[i] = new double[] {Math.cos(angle), Math.sin(angle)};
    }
    for (int i = 0; i < 3; i++) {
      double[] winner = vectors[i];
      double[] loser = vectors[(i + 1) % 3];
      assertThat(score(winner, loser)).isCloseTo(Math.sqrt(3) / 2, within(EXACT));
      assertThat(score(loser, winner)).isEqualTo(-score(winner, loser));
    }
  }

  @Test
  void aConstantSecondNumberIsBradleyTerry() {
    Objective general = Objectives.create("gpm", Map.of("tau", 1.0));
    Pair pair = new Pair(new double[] {0.7, 1}, new double[] {-0.2, 1}, Map.of());
    ScoreStep.Result step = ScoreStep.of(general, List.of(pair));
    Pair rewards = Pair.of(0.7, -0.2);
    assertThat(step.loss()).isEqualTo(reward(Map.of(), rewards));
    assertThat(step.gradients()[0][0][0]).isEqualTo(gradient(Map.of(), rewards));
  }

  @Test
  void aHeadHasAnEvenNumberOfValues() {
    assertThatThrownBy(() -> Objectives.create("gpm", Map.of("value_head_dim", 3.0)))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.value_head_dim: must be an even whole number, got 3.0");
  }

  private static double score(double[] winner, double[] loser) {
    return ScoreStep.of(
            Objectives.create("gpm", Map.of()), List.of(new Pair(winner, loser, Map.of())))
        .rows()
        .get(0)
        .metrics()
        .stream()
        .filter(metric -> metric.name().equals("margin"))
        .mapToDouble(RowLoss.Metric::sum)
        .sum();
  }

  private static double reward(Map<String, Object> options, Pair pair) {
    return ScoreStep.loss(Objectives.create("reward", options), pair);
  }

  /** By the chosen reward. */
  private static double gradient(Map<String, Object> options, Pair pair) {
    return ScoreStep.of(Objectives.create("reward", options), List.of(pair)).gradients()[0][0][0];
  }
}

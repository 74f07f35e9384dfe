package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.ObjectiveStep.Result;
import dev.collimate.objective.ObjectiveStep.Row;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.text.RowShape;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Hand-worked numbers and limits of the objectives on pairs without a reference model. */
class ReferenceFreePairTest {

  private static final double EXACT = 1e-12;

  private static final Row PAIR =
      Row.of(
          Map.of(
              "chosen", new double[] {-1, -3},
              "rejected", new double[] {-2, -2, -5},
              "reference", new double[] {-0.5, -1.5, -1}),
          Reference.NONE);

  private static Result step(String name, Map<String, Object> options) {
    return ObjectiveStep.first(Objectives.create(name, options), List.of(PAIR));
  }

  private static double softplus(double x) {
    return Math.log1p(Math.exp(x));
  }

  /** Sums -4 and -9: softplus(-0.5), and 4 / 2 of cross-entropy. */
  @Test
  void cpoIsTheMarginOfSumsAndTheCrossEntropyOfTheChosenSide() {
    Result step = step("cpo", Map.of());

    assertThat(step.loss()).isCloseTo(softplus(-0.5) + 2, within(EXACT));
    assertThat(step.metric("nll_loss")).isCloseTo(2, within(EXACT));
  }

  /** Means -2 and -3: softplus(-(2 - 0.5)). */
  @Test
  void simpoIsTheMarginOfMeansLessGamma() {
    Result step = step("simpo", Map.of("beta", 2.0));

    assertThat(step.loss()).isCloseTo(softplus(-1.5), within(EXACT));
    assertThat(step.metric("logps/chosen")).isCloseTo(-2, within(EXACT));
    assertThat(step.metric("rewards/margins")).isCloseTo(2, within(EXACT));
  }

  @Test
  void alphapoOfShapeZeroIsSimpo() {
    assertThat(step("alphapo", Map.of("alphapo_alpha", 0.0)).loss())
        .isEqualTo(step("simpo", Map.of()).loss());
    assertThat(step("alphapo", Map.of("alphapo_alpha", 1e-9)).loss())
        .isCloseTo(step("simpo", Map.of()).loss(), within(1e-8));
  }

  /** Sums -4 and -9: softplus(-0.05), and 3 / 3 of cross-entropy of the reference answer. */
  @Test
  void tpoImitatesTheReferenceAnswer() {
    Result step = step("tpo", Map.of());

    assertThat(step.loss()).isCloseTo(softplus(-0.05) + 1, within(EXACT));
    assertThat(step.gradients().get(0).get("reference"))
        .containsExactly(new double[] {-1.0 / 3, -1.0 / 3, -1.0 / 3}, within(EXACT));
  }

  @Test
  void tpoWithoutImitationIsCpoWithoutIt() {
    Map<String, Object> cpo = Map.of("beta", 0.2, "cpo_alpha", 0.0);
    Objective tpo = Objectives.create("tpo", Map.of("beta", 0.2, "tpo_alpha", 0.0));

    assertThat(ObjectiveStep.first(tpo, List.of(PAIR)).loss()).isEqualTo(step("cpo", cpo).loss());
    assertThat(tpo.declaration().sequences()).containsExactly("chosen", "rejected");
    assertThat(tpo.declaration().shape()).isEqualTo(RowShape.PREFERENCE);
  }

  @Test
  void tpoLIsSimpoWithImitation() {
    Map<String, Object> options = Map.of("beta", 2.0, "loss_type", "tpo-l");

    assertThat(step("tpo", options).loss()).isCloseTo(softplus(-1.5) + 1, within(EXACT));
  }

  /** Means log 1/2 and log 1/4, so odds 1 and 1/3: softplus(-log 3) is log 4/3. */
  @Test
  void orpoComparesOdds() {
    Row row =
        Row.of(
            Map.of(
                "chosen", new double[] {Math.log(0.5)},
                "rejected", new double[] {Math.log(0.25), Math.log(0.25)}),
            Reference.NONE);

    Result step =
        ObjectiveStep.first(
            Objectives.create("orpo", Map.of("beta", 2.0, "nll_on", "completion")), List.of(row));

    assertThat(step.metric("log_odds_chosen")).isCloseTo(Math.log(3), within(EXACT));
    assertThat(step.loss()).isCloseTo(Math.log(2) + 2 * Math.log(4.0 / 3), within(EXACT));
  }

  @Test
  void orpoIsFiniteAtProbabilityOne() {
    Row row =
        Row.of(
            Map.of("chosen", new double[] {-1}, "rejected", new double[] {0, 0}), Reference.NONE);

    Result step = ObjectiveStep.first(Objectives.create("orpo", Map.of()), List.of(row));

    // log(1 - e^l) ends at l = -1e-7
    double odds = -1 - Math.log(1 - Math.exp(-1)) + Math.log(-Math.expm1(Orpo.MAX_MEAN));
    assertThat(step.metric("log_odds_chosen")).isCloseTo(odds, within(1e-9));
    assertThat(step.gradients().get(0).get("rejected")[0]).isBetween(0.0, 0.1);
  }

  @Test
  void orpoImitatesThePromptWhereAsked() {
    assertThat(Objectives.create("orpo", Map.of()).declaration().countsPrompt()).isTrue();
    assertThat(
            Objectives.create("orpo", Map.of("nll_on", "completion")).declaration().countsPrompt())
        .isFalse();
  }
}

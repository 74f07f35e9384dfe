package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.ObjectiveStep.Result;
import dev.collimate.objective.ObjectiveStep.Row;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Hand-worked numbers and limits of the objectives on judged completions. */
class UnpairedObjectivesTest {

  private static final double EXACT = 1e-12;

  private static Row row(double label, double logProb, double reference) {
    return row(label, new double[] {logProb}, reference, 0, 1);
  }

  private static Row row(
      double label, double[] logProbs, double reference, double klRatio, double weight) {
    return new Row(
        "row",
        Map.of("completion", logProbs, "kl", new double[] {klRatio - 9}),
        Map.of(),
        new Reference(Map.of("completion", reference, "kl", -9.0), Map.of()),
        Map.of("label", label, "score", 0.5),
        weight);
  }

  private static Result step(String name, Map<String, Object> options, List<Row> rows) {
    return ObjectiveStep.first(Objectives.create(name, options), rows);
  }

  private static double gradient(Result step, int row) {
    return step.gradients().get(row).get("completion")[0];
  }

  @Test
  void theKlIsTheWeightedMeanOverTheBatchAndNeverNegative() {
    double[] logProbs = {-12};
    List<Row> positive = List.of(row(1, logProbs, -10, 2, 3), row(0, logProbs, -10, -1, 1));
    List<Row> negative = List.of(row(1, logProbs, -10, 2, 1), row(0, logProbs, -10, -5, 1));

    // (3 * 2 - 1) / 4, and (2 - 5) / 2
    assertThat(step("kto", Map.of(), positive).metric("kl")).isCloseTo(1.25, within(EXACT));
    assertThat(step("kto", Map.of(), negative).metric("kl")).isZero();
  }

  @Test
  void aWeightIsWorthAsManyRowsInBcosRunningMean() {
    List<Row> weighted = List.of(row(1, new double[] {-8}, -10, 0, 2), row(0, -7, -9.5));
    List<Row> repeated = List.of(row(1, -8, -10), row(1, -8, -10), row(0, -7, -9.5));

    Result one = step("bco", Map.of(), weighted);
    Result other = step("bco", Map.of(), repeated);

    assertThat(one.state()).containsExactly(other.state(), within(EXACT));
    assertThat(one.loss()).isCloseTo(other.loss(), within(EXACT));
  }

  @Test
  void anEvaluationLeavesBcosRunningMeanAsItIs() {
    Objective bco = Objectives.create("bco", Map.of());
    RowFacts facts = new RowFacts("a", 1, Map.of(), 1);

    StepPlan plan =
        bco.plan(new GlobalBatch(7, 0, List.of(facts), new double[][] {{5}}, new double[] {2, 3}));

    assertThat(plan.shared()).containsExactly(2);
    assertThat(plan.state()).containsExactly(2, 3);
  }

  @Test
  void atTheReferenceAGoodRowOfPointwiseDpoHasBetaHalvesOfTheSftGradient() {
    List<Row> rows = List.of(row(1, -6, -6));

    double pointwise = gradient(step("pointwise_dpo", Map.of("beta", 0.3), rows), 0);
    double sft = gradient(step("ulma", Map.of("beta", 0.3), rows), 0);

    assertThat(sft).isEqualTo(-1);
    assertThat(pointwise).isCloseTo(0.3 / 2 * sft, within(EXACT));
  }

  @Test
  void badRowsOfUlmaSaturate() {
    List<Row> low = List.of(row(0, -500, -6));
    List<Row> high = List.of(row(0, -6, -6));

    assertThat(gradient(step("ulma", Map.of(), high), 0)).isCloseTo(0.05, within(EXACT));
    assertThat(gradient(step("ulma", Map.of(), low), 0)).isBetween(0.0, 1e-20);
  }

  /** -logsigmoid(0.1 * 2 + 0.5) + (-logsigmoid(-0.1 * 1 - 0.5)), each a mean of its own class. */
  @Test
  void classesHaveTheirOwnMeans() {
    List<Row> once = List.of(row(1, -8, -10), row(0, -9, -10));
    List<Row> twice = new ArrayList<>(once);
    twice.add(once.get(1));
    double expected = Math.log1p(Math.exp(-0.7)) + Math.log1p(Math.exp(0.6));

    for (List<Row> rows : List.of(once, twice)) {
      assertThat(step("pointwise_dpo", Map.of("c", 0.5), rows).loss())
          .isCloseTo(expected, within(EXACT));
    }
  }

  /** (0.5 - 0.1 * 2 - 0.25)^2 */
  @Test
  void aRegressionIsTheSquaredErrorOfTheReward() {
    Result step = step("pointwise_regression", Map.of("c", 0.25), List.of(row(1, -8, -10)));

    assertThat(step.loss()).isCloseTo(0.0025, within(EXACT));
    assertThat(step("pointwise_regression", Map.of(), List.of(row(1, -5, -10))).loss())
        .isCloseTo(0, within(EXACT));
  }

  /** 0.5 * 11 - 0.5 * 8.5 + 0.5 * 0.3, with a log-ratio whose e^lr - 1 - lr is 0.3. */
  @Test
  void pmpoIsTwoMeansAndADivergence() {
    double lr = 0.7;
    for (int i = 0; i < 50; i++) {
      lr -= (Math.exp(lr) - 1 - lr - 0.3) / (Math.exp(lr) - 1);
    }
    List<Row> rows =
        List.of(
            row(1, -10, -10 - lr), row(1, -12, -12 - lr), row(0, -8, -8 - lr), row(0, -9, -9 - lr));

    Result step = step("pmpo", Map.of("alpha", 0.5, "kl_beta", 0.5), rows);

    assertThat(step.metric("kl")).isCloseTo(0.3, within(EXACT));
    assertThat(step.loss()).isCloseTo(1.40, within(EXACT));
  }

  @Test
  void tenTimesTheBadRowsAreTheSamePmpoLossWithoutKl() {
    List<Row> rows = new ArrayList<>(List.of(row(1, -10, -9), row(0, -8, -8), row(0, -9, -7)));
    Map<String, Object> options = Map.of("kl_beta", 0.0);
    double once = step("pmpo", options, rows).loss();
    for (int i = 0; i < 9; i++) {
      rows.add(rows.get(1));
      rows.add(rows.get(2));
    }

    assertThat(step("pmpo", options, rows).loss()).isCloseTo(once, within(EXACT));
  }

  /**
   * Its gradient is -alpha / good + (e^lr - 1) * b / rows, which is 0 at e^lr = 1 + 2 alpha / b.
   */
  @Test
  void aGoodRowOfPmpoComesToRest() {
    double lr = Math.log(2);
    List<Row> rows = List.of(row(1, lr - 10, -10), row(0, -10, -10));

    assertThat(gradient(step("pmpo", Map.of(), rows), 0)).isCloseTo(0, within(EXACT));
  }

  @Test
  void pmpoWarnsWhereNothingBoundsItsLoss() {
    assertThat(Objectives.create("pmpo", Map.of()).warnings()).isEmpty();
    assertThat(Objectives.create("pmpo", Map.of("kl_beta", 0.5)).warnings())
        .containsExactly(
            "objective.kl_beta: 0.5 is below 2 * (1 - alpha) = 1.0; with as many bad rows as good ones nothing bounds the loss from below");
  }

  @Test
  void judgedCompletionsHaveTrlsMetrics() {
    Result step = step("kto", Map.of(), List.of(row(1, -12, -10), row(0, -7, -9)));

    assertThat(step.metric("rewards/chosen")).isCloseTo(-0.2, within(EXACT));
    assertThat(step.metric("rewards/rejected")).isCloseTo(0.2, within(EXACT));
    assertThat(step.metric("logps/chosen")).isEqualTo(-12);
    assertThat(step.metric("logps/rejected")).isEqualTo(-7);
  }
}

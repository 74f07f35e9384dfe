package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every objective of the table, as it is by default and with some options, in float64. */
class ObjectiveGradientTest {

  private static final double STEP = 1e-5;
  private static final int ROWS = 5;

  /** An objective with the options that are not its defaults. */
  private record Case(String name, Map<String, Object> options) {
    Objective objective() {
      return Objectives.create(name, options);
    }

    @Override
    public String toString() {
      return name + " " + options;
    }
  }

  static Stream<Case> cases() {
    return Stream.concat(
        Objectives.table().stream().map(spec -> new Case(spec.name(), Map.of())),
        Stream.of(
            new Case("dpo", Map.of("rationale_weight", 0.5)),
            new Case("dpo", Map.of("rationale_weight", 0.5, "rationale_loss", "logsigmoid")),
            new Case("dpo", Map.of("rationale_weight", 0.5, "rationale_loss", "mean_nll")),
            new Case("odpo", Map.of("offset_fn", "identity")),
            new Case("odpo", Map.of("offset_fn", "ratio")),
            new Case("napo", Map.of("q", "0.5", "margin", "mean")),
            new Case("napo", Map.of("extra_rejected", "2", "w1", 0.5, "w2", 2.0)),
            new Case("gr_dpo", Map.of("divide_by_totalcount", false, "size_adjustment", 1.0)),
            new Case("gr_ipo", Map.of("group_weights", "importance")),
            new Case("rpo_relative", Map.of("mode", "diagonal")),
            new Case("weighted_simpo", Map.of("conditional_pairs", true))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void derivativesAreThoseOfFiniteDifferences(Case objective) {
    TestBatch batch = TestBatch.random(objective.objective(), ROWS, new Random(8));
    StepPlan plan = batch.plan();
    batch.differentiate(plan);

    for (TestRow row : batch.rows) {
      for (Map.Entry<String, double[]> tokens : row.tokens.entrySet()) {
        double[] gradient = row.gradient(tokens.getKey());
        double[] values = tokens.getValue();
        for (int t = 0; t < values.length; t++) {
          double at = values[t];
          values[t] = at + STEP;
          double up = batch.loss(plan);
          values[t] = at - STEP;
          double down = batch.loss(plan);
          values[t] = at;
          double expected = (up - down) / (2 * STEP);
          assertThat(gradient[t])
              .as("%s %s token %d", row.key, tokens.getKey(), t)
              .isCloseTo(expected, within(1e-8 * Math.max(1, Math.abs(expected))));
          batch.differentiate(plan);
        }
      }
    }
  }

  /** What couples rows does not depend on their order, so neither on how a batch is cut. */
  @ParameterizedTest
  @MethodSource("cases")
  void theOrderOfTheRowsDoesNotMatter(Case objective) {
    TestBatch batch = TestBatch.random(objective.objective(), ROWS, new Random(9));
    double loss = batch.differentiate(batch.plan());
    List<Map<String, double[]>> gradients = new ArrayList<>();
    for (TestRow row : batch.rows) {
      Map<String, double[]> ofRow = new LinkedHashMap<>();
      row.tokens.keySet().forEach(role -> ofRow.put(role, row.gradient(role)));
      gradients.add(ofRow);
    }
    List<TestRow> turned = new ArrayList<>(batch.rows);
    Collections.rotate(turned, 2);
    TestBatch other =
        new TestBatch(batch.objective, turned, 1, TestBatch.initialState(batch.objective));

    assertThat(other.differentiate(other.plan()))
        .isCloseTo(loss, within(1e-12 * Math.max(1, Math.abs(loss))));
    for (int i = 0; i < ROWS; i++) {
      TestRow row = batch.rows.get(i);
      gradients
          .get(i)
          .forEach(
              (role, gradient) ->
                  assertThat(row.gradient(role)).containsExactly(gradient, within(1e-10)));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void largeMarginsStayFinite(Case objective) {
    for (int first : new int[] {0, 1}) {
      TestBatch batch = TestBatch.random(objective.objective(), ROWS, new Random(10));
      for (TestRow row : batch.rows) {
        int index = first;
        for (double[] tokens : row.tokens.values()) {
          tokens[0] = index++ % 2 == 0 ? 0 : -1e4;
        }
      }
      assertThat(batch.differentiate(batch.plan()))
          .as("loss, side %d unlikely", 1 - first)
          .isFinite();
      for (TestRow row : batch.rows) {
        for (String role : row.tokens.keySet()) {
          for (double gradient : row.gradient(role)) {
            assertThat(gradient).as("%s, side %d unlikely", role, 1 - first).isFinite();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"10000, 0.0, 0.0", "-10000, 1000.0, -0.1"})
  void dpoStaysFiniteAtLargeMargins(double margin, double loss, double chosenGradient) {
    TestRow row = TestRow.pair(margin, 0);
    TestBatch batch = TestBatch.first(Objectives.create("dpo", Map.of("beta", 0.1)), row);

    assertThat(batch.differentiate(batch.plan())).isEqualTo(loss);
    assertThat(row.gradient("chosen")[0]).isEqualTo(chosenGradient);
  }
}

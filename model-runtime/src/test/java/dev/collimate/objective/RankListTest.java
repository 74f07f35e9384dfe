package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RankListTest {

  private static final double EXACT = 1e-12;

  private static Objective of(Object... options) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    return Objectives.create("ranklist", values);
  }

  private static double softplus(double x) {
    return Math.log1p(Math.exp(x));
  }

  /** Rewards 2, 1, 0: neighbours differ by 1, the ends by 2. */
  @Test
  void everyComparisonCountsAlike() {
    ScoredRow row = ScoredRow.ofList(2, 1, 0);
    assertThat(row.loss(of("list_size", 3.0, "max_skip", 1.0)))
        .isCloseTo(softplus(-1), within(EXACT));
    assertThat(row.loss(of("list_size", 3.0)))
        .isCloseTo((2 * softplus(-1) + softplus(-2)) / 3, within(EXACT));
    // log(1 + e^-1 + e^-2) and log(1 + e^-1)
    assertThat(row.loss(of("list_size", 3.0, "lse", true)))
        .isCloseTo((Math.log(1 + Math.exp(-1) + Math.exp(-2)) + softplus(-1)) / 2, within(EXACT));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aListOfTwoIsBradleyTerry(boolean lse) {
    ScoredRow list = ScoredRow.ofList(0.3, -0.4);
    ScoredRow pair = new ScoredRow().with("chosen", 0.3).with("rejected", -0.4);

    double loss = list.loss(of("list_size", 2.0, "lse", lse));

    assertThat(loss).isEqualTo(pair.loss(Objectives.create("reward", Map.of())));
    assertThat(list.gradients.get("response_1")).isEqualTo(pair.gradients.get("chosen"));
    assertThat(list.gradients.get("response_2")).isEqualTo(pair.gradients.get("rejected"));
  }

  /** ListMLE: {@code sum_i (log sum_{j >= i} e^(s_j) - s_i)}; it is at most the pairwise sum. */
  @Test
  void logSumExpOverTheWholeListIsListMle() {
    Random random = new Random(5);
    for (int draw = 0; draw < 20; draw++) {
      double[] rewards = random.doubles(5, -3, 3).toArray();
      double likelihood = 0;
      for (int i = 0; i < 5; i++) {
        double sum = 0;
        for (int j = i; j < 5; j++) {
          sum += Math.exp(rewards[j]);
        }
        likelihood += Math.log(sum) - rewards[i];
      }
      ScoredRow row = ScoredRow.ofList(rewards);
      double lse = 4 * row.loss(of("list_size", 5.0, "lse", true));
      assertThat(lse).as("draw %d", draw).isCloseTo(likelihood, within(1e-9));
      assertThat(lse).isLessThanOrEqualTo(10 * row.loss(of("list_size", 5.0)) + EXACT);
    }
  }

  @ParameterizedTest
  @CsvSource({"false, 0, 0", "true, 0, 0", "false, 2, 0", "true, 2, 0", "true, 0, 1.5"})
  void derivativesAreThoseOfFiniteDifferences(boolean lse, double skip, double gap) {
    Objective objective = of("list_size", 5.0, "lse", lse, "max_skip", skip, "min_label_gap", gap);
    Random random = new Random(3);
    for (int draw = 0; draw < 10; draw++) {
      ScoredRow row =
          ScoredRow.ofList(random.doubles(5, -2, 2).toArray())
              .grades(random.ints(5, 0, 4).asDoubleStream().toArray());
      row.loss(objective);
      Map<String, double[]> gradients = Map.copyOf(row.gradients);
      gradients.forEach(
          (role, gradient) ->
              assertThat(gradient[0])
                  .as(role)
                  .isCloseTo(row.slope(objective, role, 0, 1e-5), within(1e-6)));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void lossAndGradientAreFiniteAtLargeRewards(boolean lse) {
    for (double far : new double[] {1e4, -1e4}) {
      ScoredRow row = ScoredRow.ofList(far, 0.5, -far, 0.25);
      assertThat(row.loss(of("lse", lse))).isFinite();
      row.gradients.values().forEach(gradient -> assertThat(gradient[0]).isFinite());
    }
  }

  /** Grades 1, 3, 3: the second and third answer are above the first, and not compared. */
  @Test
  void gradesDecideTheOrderAndEqualOnesAreNotCompared() {
    ScoredRow graded = ScoredRow.ofList(0, 2, 1).grades(1, 3, 3);
    assertThat(graded.loss(of("list_size", 3.0)))
        .isCloseTo((softplus(-2) + softplus(-1)) / 2, within(EXACT));
    assertThat(graded.loss(of("list_size", 3.0, "min_label_gap", 2.5))).isEqualTo(0);
    assertThat(ScoredRow.ofList(1, 2, 0).loss(of("list_size", 3.0, "min_label_gap", 2.0)))
        .as("without grades places are compared")
        .isCloseTo(softplus(-1), within(EXACT));
  }

  @Test
  void comparisonsReachFurtherAsTheStepsGoOn() {
    Objective growing = of("list_size", 5.0, "skip_steps", 8.0);
    ScoredRow row = ScoredRow.ofList(1, 0, 2, -1, 0.5);
    for (int skip = 1; skip <= 4; skip++) {
      double fixed = row.loss(of("list_size", 5.0, "max_skip", (double) skip));
      assertThat(row.loss(growing, 2L * skip - 1)).isEqualTo(fixed);
      assertThat(row.loss(growing, 2L * skip)).isEqualTo(fixed);
    }
    double whole = row.loss(of("list_size", 5.0));
    assertThat(row.loss(growing, 9)).isEqualTo(whole);
    assertThat(row.loss(growing, /* step= */ 0)).as("an evaluation").isEqualTo(whole);
  }

  /** Of the three pairs of 2, 0, 1 two are in order; with a tie of grades two of two, and tau-b. */
  @Test
  void ordersAreMeasuredByKendallsTau() {
    Objective objective = of("list_size", 3.0);
    ScoredRow swapped = ScoredRow.ofList(2, 0, 1);
    assertThat(swapped.metric(objective, "accuracy")).isCloseTo(2 / 3.0, within(EXACT));
    assertThat(swapped.metric(objective, "kendall_tau")).isCloseTo(1 / 3.0, within(EXACT));
    ScoredRow tied = ScoredRow.ofList(2, 0, 1).grades(2, 1, 1);
    assertThat(tied.metric(objective, "accuracy")).isEqualTo(1);
    assertThat(tied.metric(objective, "kendall_tau"))
        .isCloseTo(2 / Math.sqrt(2 * 3), within(EXACT));
  }

  @Test
  void listsHaveWholeSizes() {
    assertThatThrownBy(() -> of("list_size", 2.5))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.list_size: must be a whole number, got 2.5");
    assertThatThrownBy(() -> of("list_size", 3.0, "max_skip", 3.0))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "objective.max_skip: must be at most 2, a list of 3 has no answers further apart, got 3");
  }
}

package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Objectives that couple the rows of a global batch. */
class BatchObjectivesTest {

  private static final Offset<Double> HAND = within(1e-6);
  private static final Offset<Double> EXACT = within(1e-12);

  private static TestRow named(String key, double margin) {
    return new TestRow(key).tokens("chosen", margin).tokens("rejected", 0);
  }

  private static double dpo(double beta, TestRow... rows) {
    return TestBatch.first(Objectives.create("dpo", Map.of("beta", beta)), rows).loss();
  }

  // beta_dpo

  /**
   * From a running mean of 0.5 and deviation of 1 on: mean 0.65, deviation 1.1943920; the outlier
   * goes, and beta = 0.1 * (1 + 0.6 * (2/3 - 0.65)) = 0.101.
   */
  @Test
  void anOutlierIsLeftOutAndBetaFollowsTheOthers() {
    List<TestRow> rows = List.of(named("a", 1), named("b", 2), named("c", -1), named("d", 6));
    Objective objective = Objectives.create("beta_dpo", Map.of());
    TestBatch batch = new TestBatch(objective, rows, 7, 0.5, 1, 1);

    StepPlan plan = batch.plan();

    assertThat(plan.state()).containsExactly(new double[] {0.65, 1.1943920, 1}, HAND);
    assertThat(plan.shared()).containsExactly(new double[] {0.101}, HAND);
    assertThat(plan.perRow()[3]).containsExactly(0);
    assertThat(batch.differentiate(plan)).isCloseTo(0.6620275, HAND);
    assertThat(rows.get(3).gradient("chosen")).containsExactly(0);
    assertThat(batch.metrics(plan)).containsEntry("kept", 0.75);
  }

  /** The mean over kept rows is by their weights: 2 and 1 of 6, so the scale is 2. */
  @Test
  void theLossIsDividedByTheWeightOfTheKeptRows() {
    List<TestRow> rows =
        List.of(named("a", 0).weight(2), named("b", 0.5).weight(1), named("outlier", 90).weight(3));
    Objective objective = Objectives.create("beta_dpo", Map.of("filter_ratio", 0.33, "alpha", 0.0));
    TestBatch batch = new TestBatch(objective, rows, 1, 0, 0.01, 1);

    assertThat(batch.plan().given(0)).containsExactly(new double[] {2}, EXACT);
    double expected = (2 * Math.log(2) + Math.log1p(Math.exp(-0.05))) / 3;
    assertThat(batch.loss()).isCloseTo(expected, EXACT);
  }

  /** The first step's corrected moments are those of its own batch: mean 1, deviation sqrt(2). */
  @Test
  void runningMomentsAreCorrectedForTheirStart() {
    Objective objective = Objectives.create("beta_dpo", Map.of("filter_ratio", 0.0));
    StepPlan plan = TestBatch.first(objective, named("a", 0), named("b", 2)).plan();

    assertThat(plan.shared()).containsExactly(new double[] {0.1}, EXACT);
    assertThat(plan.state()).containsExactly(new double[] {0.1, 0.1 * Math.sqrt(2), 0.1}, EXACT);
  }

  @Test
  void aBatchOfOneRowKeepsItAndItsMoments() {
    Objective objective = Objectives.create("beta_dpo", Map.of("filter_ratio", 0.9));
    StepPlan plan = TestBatch.first(objective, named("a", 3)).plan();

    assertThat(plan.state()).containsExactly(0, 0, 0);
    assertThat(plan.given(0)).containsExactly(1);
    assertThat(plan.shared()).containsExactly(0.1);
  }

  @Test
  void theDrawIsKeyedByTheStepAndTheRow() {
    List<TestRow> rows = new ArrayList<>();
    IntStream.range(0, 40).forEach(i -> rows.add(named("row-" + i, i % 5)));
    Objective objective = Objectives.create("beta_dpo", Map.of("filter_ratio", 0.5));

    double[][] first = new TestBatch(objective, rows, 1, 0, 0, 0).plan().perRow();
    double[][] again = new TestBatch(objective, rows, 1, 0, 0, 0).plan().perRow();
    double[][] later = new TestBatch(objective, rows, 2, 0, 0, 0).plan().perRow();

    assertThat(again).isDeepEqualTo(first);
    assertThat(Arrays.deepEquals(later, first)).isFalse();
    assertThat(IntStream.range(0, 40).filter(i -> first[i][0] > 0).count()).isEqualTo(20);
  }

  @Test
  void anEvaluationKeepsAllRowsUnderBeta0() {
    TestRow[] rows = {named("a", 1), named("b", 90), named("c", -1)};
    Objective objective = Objectives.create("beta_dpo", Map.of());
    assertThat(TestBatch.evaluation(objective, rows).loss()).isEqualTo(dpo(0.1, rows));
  }

  // rpo_relative

  private static TestRow embedded(String key, double margin, double x, double y) {
    return named(key, margin).scalar("embedding_0", x).scalar("embedding_1", y);
  }

  private static Objective relative(double temperature) {
    return Objectives.create(
        "rpo_relative", Map.of("embedding_size", 2.0, "temperature", temperature));
  }

  /** A prompt is near itself alone: DPO / M + (M - 1) / M * log 2. */
  @Test
  void atNoTemperatureDistinctPromptsGiveDpo() {
    TestRow[] rows = {embedded("a", 2, 1, 0), embedded("b", -1, 0, 3), embedded("c", 0.5, -2, 0)};
    TestBatch batch = TestBatch.first(relative(1e-3), rows);
    double expected = dpo(0.1, rows) / 3 + 2.0 / 3 * Math.log(2);

    assertThat(batch.differentiate(batch.plan())).isCloseTo(expected, EXACT);
    double relative = rows[1].gradient("chosen")[0];
    TestBatch plain = TestBatch.first(Objectives.create("dpo", Map.of()), rows);
    plain.differentiate(plain.plan());
    assertThat(relative).isCloseTo(rows[1].gradient("chosen")[0] / 3, EXACT);
  }

  /** tau = 1/2 everywhere; S = 2 - 0, 2 - 3, 1 - 0, 1 - 3. */
  @Test
  void equalPromptsAreContrastedEvenly() {
    TestRow one = embedded("a", 2, 1, 1);
    TestRow other = embedded("b", 1, 2, 2).tokens("rejected", 3);
    double expected = 0;
    for (double contrast : new double[] {2, -1, 1, -2}) {
      expected += Math.log1p(Math.exp(-0.1 * contrast / 2)) / 4;
    }
    assertThat(TestBatch.first(relative(0.5), one, other).loss()).isCloseTo(expected, EXACT);
  }

  /**
   * 0.8 of -logsigmoid(0.1 * 2) and 0.2 of its contrasts, 2 - 3; for the other row -2 and 1 - 0.
   */
  @Test
  void theDiagonalModeWeighsThePairsThemselves() {
    TestRow one = named("a", 2);
    TestRow other = named("b", 1).tokens("rejected", 3);
    Objective diagonal = Objectives.create("rpo_relative", Map.of("mode", "diagonal"));
    double expected =
        0.5 * (0.8 * cost(0.2) + 0.2 * cost(-0.1)) + 0.5 * (0.8 * cost(-0.2) + 0.2 * cost(0.1));
    assertThat(TestBatch.first(diagonal, one, other).loss()).isCloseTo(expected, EXACT);
  }

  private static double cost(double margin) {
    return Math.log1p(Math.exp(-margin));
  }

  /**
   * The rows' derivatives are those of the whole matrix, gathered and planned anew at each point.
   */
  @Test
  void derivativesAreThoseOfTheWholeMatrix() {
    TestRow[] rows = {
      embedded("a", 2, 1, 0.5).weight(2), embedded("b", -1, 1, 3), embedded("c", 4, 0.2, 1)
    };
    TestBatch batch = TestBatch.first(relative(0.5), rows);
    for (TestRow row : rows) {
      for (String role : List.of("chosen", "rejected")) {
        double[] tokens = row.tokens.get(role);
        double at = tokens[0];
        tokens[0] = at + 1e-5;
        double up = batch.loss();
        tokens[0] = at - 1e-5;
        double down = batch.loss();
        tokens[0] = at;
        batch.differentiate(batch.plan());
        assertThat(row.gradient(role)[0])
            .as("%s %s", row.key, role)
            .isCloseTo((up - down) / 2e-5, within(1e-8));
      }
    }
  }

  @Test
  void anEvaluationTakesEachPairByItself() {
    TestRow[] rows = {embedded("a", 2, 1, 0), embedded("b", -1, 1, 0)};
    assertThat(TestBatch.evaluation(relative(0.5), rows).loss()).isCloseTo(dpo(0.1, rows), EXACT);
  }

  // gr_dpo, gr_ipo

  private static Objective robust(String name, Map<String, Object> options, Long... sizes) {
    SortedMap<String, Long> groups = new TreeMap<>();
    long rows = 0;
    for (int group = 0; group < sizes.length; group++) {
      groups.put("g" + group, sizes[group]);
      rows += sizes[group];
    }
    TrainingSet set =
        new TrainingSet(rows, DeclaredColumns.MODEL, new TreeMap<>(Map.of("group", groups)));
    return Objectives.create(name, options).over(set);
  }

  private static TestRow member(int group, double margin) {
    return named("row " + group + " " + margin, margin).scalar("group", group);
  }

  /**
   * N = 10, N_g = 9 and 1, B = 2. IPO of M = 2 and -1 under 1 / (2 * beta) = 1: 1 and 4, so L = 10
   * * 1 / (2 * 9) = 0.5555556 and 10 * 4 / 2 = 20.
   */
  @Test
  void groupsAreWeighedByTheirSharesOfTheTrainingSet() {
    TestRow[] rows = {member(0, 2), member(1, -1)};
    Objective objective = robust("gr_ipo", Map.of("eta", 0.1, "beta", 0.5), 9L, 1L);
    TestBatch batch = TestBatch.first(objective, rows);

    StepPlan plan = batch.plan();

    double first = Math.exp(0.1 * 10 / 18.0);
    double second = Math.exp(2);
    double q = first / (first + second);
    assertThat(plan.state()).containsExactly(new double[] {q, 1 - q}, EXACT);
    assertThat(batch.loss(plan)).isCloseTo(q * 10 / 18 + (1 - q) * 20, EXACT);
  }

  @Test
  void groupsMayBeWeighedByTheirRowsInTheBatchAndByTheirSizes() {
    TestRow[] rows = {member(0, 2), member(0, 0), member(1, -1)};
    Map<String, Object> options =
        Map.of("beta", 0.5, "divide_by_totalcount", false, "group_weights", "importance");
    TestBatch batch = TestBatch.first(robust("gr_ipo", options, 9L, 1L), rows);

    assertThat(batch.plan().state()).containsExactly(new double[] {0.1, 0.9}, EXACT);
    assertThat(batch.loss()).isCloseTo(0.1 * 1 + 0.9 * 4, EXACT);
  }

  /** Losses (x - 1)^2 and (x + 1)^2 with rows 9:1; the average risk is least at 0.8. */
  @Test
  void theRobustPolicyLiesBetweenTwoGroupsThatDisagree() {
    Objective objective = robust("gr_ipo", Map.of("eta", 0.05, "beta", 0.5), 9L, 1L);
    double x = 0.8;
    double[] state = TestBatch.initialState(objective);
    for (int step = 1; step <= 4000; step++) {
      List<TestRow> rows = new ArrayList<>();
      for (int row = 0; row < 10; row++) {
        double margin = row < 9 ? x : -x;
        rows.add(
            new TestRow("row " + row)
                .tokens("chosen", margin)
                .tokens("rejected", 0)
                .scalar("group", row < 9 ? 0 : 1));
      }
      TestBatch batch = new TestBatch(objective, rows, step, state);
      StepPlan plan = batch.plan();
      batch.differentiate(plan);
      double slope = 0;
      for (int row = 0; row < 10; row++) {
        slope += (row < 9 ? 1 : -1) * rows.get(row).gradient("chosen")[0];
      }
      x -= 0.02 * slope;
      state = plan.state();
    }
    assertThat(x).isCloseTo(0, within(0.02));
    assertThat(state).containsExactly(new double[] {0.5, 0.5}, within(0.02));
  }

  @Test
  void aGroupOfHeldOutRowsAloneHasNoWeight() {
    Objective objective = robust("gr_dpo", Map.of(), 9L, 0L, 1L);
    assertThat(objective.declaration().initialState()).containsExactly(0.5, 0.0, 0.5);
    TestBatch held = TestBatch.evaluation(objective, member(0, 1), member(1, 2), member(2, 3));
    assertThat(held.plan().state()).containsExactly(0.5, 0, 0.5);
    assertThat(held.loss()).isFinite();
  }

  /** Each group's mean, weighed by q: not by how many held-out rows a group has. */
  @Test
  void anEvaluationLeavesTheWeightsAndTakesMeansByGroup() {
    Objective objective = robust("gr_ipo", Map.of("beta", 0.5, "eta", 1.0), 9L, 1L);
    TestBatch held = TestBatch.evaluation(objective, member(0, 2), member(0, 4), member(1, 3));

    assertThat(held.plan().state()).containsExactly(0.5, 0.5);
    assertThat(held.loss()).isCloseTo(0.5 * (1 + 9) / 2 + 0.5 * 4, EXACT);
  }

  @Test
  void theWorstGroupAndTheGapAreReported() {
    Objective objective = robust("gr_ipo", Map.of("beta", 0.5), 9L, 1L);
    TestBatch batch =
        TestBatch.first(objective, member(0, 2), member(0, -1), member(1, 3), member(1, 1));

    Map<String, Double> means = batch.metrics(batch.plan());

    assertThat(means).containsEntry("group_loss/g0", 2.5).containsEntry("group_accuracy/g1", 1.0);
    assertThat(objective.summary(means))
        .isEqualTo(
            Map.of("worst_group_loss", 2.5, "worst_group_accuracy", 0.5, "group_loss_gap", 0.5));
    assertThat(objective.summary(Map.of("loss", 1.0))).isEmpty();
  }
}

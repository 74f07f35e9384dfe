package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Objectives on judged completions that look at the prompts' embeddings. */
class JudgedBatchObjectivesTest {

  private static final Offset<Double> EXACT = within(1e-12);

  private static TestRow judged(String key, double label, double logRatio, double x, double y) {
    return new TestRow(key)
        .tokens("completion", logRatio)
        .scalar("label", label)
        .scalar("embedding_0", x)
        .scalar("embedding_1", y);
  }

  // rpo_relative, unpaired

  private static Objective unpaired(double temperature) {
    return Objectives.create(
        "rpo_relative",
        Map.of("mode", "unpaired", "embedding_size", 2.0, "temperature", temperature));
  }

  private static double cost(double margin) {
    return Math.log1p(Math.exp(-margin));
  }

  @Test
  void oneGoodAndOneBadCompletionAreDpoOnTheTwo() {
    TestBatch batch =
        TestBatch.first(unpaired(0.5), judged("a", 1, 2, 1, 0), judged("b", 0, -1, 0, 1));
    double dpo = TestBatch.first(Objectives.create("dpo", Map.of()), TestRow.pair(2, -1)).loss();

    assertThat(batch.loss()).isCloseTo(dpo, EXACT);
  }

  /** Equal prompts: tau = 1 / 2; mean over the four contrasts 2 + 1, 2 - 3, 0 + 1, 0 - 3. */
  @Test
  void equalPromptsWeighAllContrastsAlike() {
    TestBatch batch =
        TestBatch.first(
            unpaired(0.5),
            judged("a", 1, 2, 1, 1),
            judged("b", 0, -1, 2, 2),
            judged("c", 1, 0, 3, 3),
            judged("d", 0, 3, 1, 1));

    double expected = (cost(0.15) + cost(-0.05) + cost(0.05) + cost(-0.15)) / 4;
    assertThat(batch.loss()).isCloseTo(expected, EXACT);
  }

  @Test
  void aColdTemperatureContrastsLikePromptsAlone() {
    TestBatch batch =
        TestBatch.first(
            unpaired(1e-4),
            judged("a", 1, 2, 1, 0),
            judged("b", 0, -1, 1, 0),
            judged("c", 1, 5, 0, 1),
            judged("d", 0, 1, 0, 1));

    assertThat(batch.loss()).isCloseTo((cost(0.3) + cost(0.4)) / 4 + Math.log(2) / 2, EXACT);
  }

  @Test
  void aStepOfOneLabelHasNoLoss() {
    TestRow[] good = {judged("a", 1, 2, 1, 0), judged("b", 1, -1, 0, 1)};
    TestBatch batch = TestBatch.first(unpaired(0.5), good);

    assertThat(batch.differentiate(batch.plan())).isZero();
    assertThat(good[0].gradient("completion")).containsExactly(0);
  }

  @Test
  void derivativesAreThoseOfTheWholeMatrix() {
    List<TestRow> rows =
        List.of(
            judged("a", 1, 2, 1, 0.5).weight(2),
            judged("b", 0, -1, 1, 3),
            judged("c", 1, 4, 0.2, 1),
            judged("d", 0, 1, 2, 1).weight(0.5));
    TestBatch batch = TestBatch.first(unpaired(0.5), rows.toArray(TestRow[]::new));
    for (TestRow row : rows) {
      double[] tokens = row.tokens.get("completion");
      double at = tokens[0];
      tokens[0] = at + 1e-5;
      double up = batch.loss();
      tokens[0] = at - 1e-5;
      double down = batch.loss();
      tokens[0] = at;
      batch.differentiate(batch.plan());
      assertThat(row.gradient("completion")[0])
          .as(row.key)
          .isCloseTo((up - down) / 2e-5, within(1e-8));
    }
  }

  @Test
  void anEvaluationContrastsEachCompletionWithTheReference() {
    TestBatch held =
        TestBatch.evaluation(unpaired(0.5), judged("a", 1, 2, 1, 0), judged("b", 0, -1, 0, 1));

    assertThat(held.loss()).isCloseTo((cost(0.2) + cost(0.1)) / 2, EXACT);
  }

  // bco's density ratio

  private static Objective matched(Map<String, Object> more) {
    Map<String, Object> options = new LinkedHashMap<>(more);
    options.put("match_underlying_distribution", true);
    options.put("embedding_size", 2.0);
    return Objectives.create("bco", options);
  }

  private static TrainingRows training(List<TestRow> rows) {
    return new TrainingRows() {
      @Override
      public int count() {
        return rows.size();
      }

      @Override
      public RowFacts facts(int row) {
        return rows.get(row).facts();
      }

      @Override
      public double scalar(String column, int row) {
        return rows.get(row).inputs().scalar(column);
      }
    };
  }

  private static List<TestRow> prompts() {
    List<TestRow> rows = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      double label = i % 3 == 0 ? 1 : 0;
      double x = Math.sin(i) + (label == 1 ? 0.8 : -0.3);
      rows.add(judged("row " + i, label, Math.cos(i), x, Math.cos(2 * i)));
    }
    return rows;
  }

  /** Where the derivative of scikit-learn's objective vanishes, which is in one point alone. */
  @Test
  void theFitIsTheMinimumOfTheBalancedRegularisedRegression() {
    List<TestRow> rows = prompts();
    double[] state = matched(Map.of()).initialState(training(rows));

    double[] gradient = {0, state[3], state[4]};
    for (TestRow row : rows) {
      RowInputs inputs = row.inputs();
      double x = inputs.scalar("embedding_0");
      double y = inputs.scalar("embedding_1");
      double label = inputs.scalar("label");
      double balance = 30 / (2.0 * (label == 1 ? 10 : 20));
      double p = 1 / (1 + Math.exp(-(state[2] + state[3] * x + state[4] * y)));
      gradient[0] += balance * (p - label);
      gradient[1] += balance * (p - label) * x;
      gradient[2] += balance * (p - label) * y;
    }
    assertThat(gradient).containsExactly(new double[] {0, 0, 0}, within(1e-8));
    assertThat(state[3]).isGreaterThan(0.3);
  }

  /** logit = 0.5 + 2 * 0.25 = 1: the ratio is e. */
  @Test
  void anUndesirableRowWeighsItsDensityRatio() {
    TestRow[] rows = {judged("a", 1, 2, 0.25, 0), judged("b", 0, -1, 0.25, 9)};
    TestBatch batch = new TestBatch(matched(Map.of()), List.of(rows), 1, 0, 0, 0.5, 2, 0);

    StepPlan plan = batch.plan();

    assertThat(plan.given(0)).containsExactly(1);
    assertThat(plan.given(1)).containsExactly(new double[] {Math.E}, within(1e-6));
    assertThat(plan.state()).containsExactly(new double[] {0.05, 2, 0.5, 2, 0}, EXACT);
    assertThat(batch.loss(plan))
        .isCloseTo((cost(0.2 - 0.05) + plan.given(1)[0] * cost(0.1 + 0.05)) / 2, EXACT);
  }

  @Test
  void ratiosAreClamped() {
    TestRow[] rows = {judged("a", 0, 2, 100, 0), judged("b", 0, -1, -100, 0)};
    TestBatch batch = new TestBatch(matched(Map.of()), List.of(rows), 1, 0, 0, 0, 1, 0);

    assertThat(batch.plan().given(0)).containsExactly(10);
    assertThat(batch.plan().given(1)).containsExactly(0.5);
  }

  @Test
  void ratiosHeldAtOneAreBcoWithoutThem() {
    TestRow[] rows = prompts().subList(0, 9).toArray(TestRow[]::new);
    Objective held = matched(Map.of("min_density_ratio", 1.0, "max_density_ratio", 1.0));
    TestBatch with = new TestBatch(held, List.of(rows), 1, held.initialState(training(prompts())));

    assertThat(with.loss())
        .isEqualTo(TestBatch.first(Objectives.create("bco", Map.of()), rows).loss());
  }

  @Test
  void theSampleIsTheRowsWhoseKeysComeFirst() {
    List<TestRow> rows = prompts();
    List<TestRow> first = new ArrayList<>();
    for (double label : new double[] {0, 1}) {
      rows.stream()
          .filter(row -> row.facts().label() == label)
          .sorted((one, other) -> one.key.compareTo(other.key))
          .limit(5)
          .forEach(first::add);
    }

    assertThat(matched(Map.of("prompt_sample_size", 5.0)).initialState(training(rows)))
        .isEqualTo(matched(Map.of()).initialState(training(first)));
  }

  @Test
  void aDensityRatioNeedsBothLabels() {
    List<TestRow> bad = prompts().stream().filter(row -> row.facts().label() == 0).toList();

    assertThatThrownBy(() -> matched(Map.of()).initialState(training(bad)))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "objective.match_underlying_distribution: all training rows are undesirable, a density"
                + " ratio needs both labels; leave the option out");
  }
}

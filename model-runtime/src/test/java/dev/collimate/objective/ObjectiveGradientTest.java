package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.RowInputs.StepNumbers;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every objective of the table, differentiated in float64. */
class ObjectiveGradientTest {

  private static final double STEP = 1e-5;
  private static final double WEIGHT = 1.5;

  /** Every objective as it is by default, on a desirable row and on an undesirable one. */
  static Stream<Arguments> objectives() {
    return Objectives.table().stream()
        .map(ObjectiveSpec::name)
        .flatMap(name -> Stream.of(Arguments.of(name, 1.0), Arguments.of(name, 0.0)));
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void derivativesAreThoseOfFiniteDifferences(String name, double label) {
    OneRow row = new OneRow(Objectives.create(name, Map.of()), label);
    Random random = new Random(8);
    for (String role : row.objective.declaration().roles()) {
      row.values.put(role, random.doubles(2 + random.nextInt(6), -5, 0).toArray());
      row.reference.put(role, -10 * random.nextDouble());
    }
    row.plan();
    Map<String, TokenLogProbs> policy = row.policy();
    row.loss(policy).differentiate(WEIGHT, row.totals());

    for (String role : row.objective.declaration().sequences()) {
      double[] values = row.values.get(role);
      for (int t = 0; t < values.length; t++) {
        double at = values[t];
        values[t] = at + STEP;
        double up = row.loss(row.policy()).value(WEIGHT, row.totals());
        values[t] = at - STEP;
        double down = row.loss(row.policy()).value(WEIGHT, row.totals());
        values[t] = at;
        assertThat(policy.get(role).gradients()[t])
            .as("%s token %d", role, t)
            .isCloseTo((up - down) / (2 * STEP), within(1e-8 * Math.max(1, Math.abs(up))));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void lossAndDerivativesAreFiniteAtLargeMargins(String name, double label) {
    for (double margin : List.of(1e4, -1e4)) {
      OneRow row = new OneRow(Objectives.create(name, Map.of()), label);
      for (String role : row.objective.declaration().roles()) {
        row.values.put(role, new double[] {0, row.values.isEmpty() ? margin : 0});
        row.reference.put(role, 0.0);
      }
      row.plan();
      Map<String, TokenLogProbs> policy = row.policy();
      assertThat(row.loss(policy).differentiate(WEIGHT, row.totals())).isFinite();
      policy.values().forEach(tokens -> assertThat(finite(tokens.gradients())).isTrue());
    }
  }

  private static boolean finite(double[] values) {
    for (double value : values) {
      if (!Double.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  @ParameterizedTest
  @CsvSource({"10000, 0.0, 0.0", "-10000, 1000.0, -0.1"})
  void dpoIsLinearAtLargeMargins(double margin, double loss, double chosenGradient) {
    OneRow row = new OneRow(Objectives.create("dpo", Map.of("beta", 0.1)), 1);
    row.values.put("chosen", new double[] {margin});
    row.values.put("rejected", new double[] {0});
    row.reference.putAll(Map.of("chosen", 0.0, "rejected", 0.0));
    Map<String, TokenLogProbs> policy = row.policy();
    StepTotals one = new StepTotals(1, 1, new TreeMap<>(), new TreeMap<>());

    assertThat(row.loss(policy).differentiate(1, one)).isEqualTo(loss);
    assertThat(policy.get("chosen").gradients()[0]).isEqualTo(chosenGradient);
  }

  /** A row among others: its denominators are larger than its own share. */
  private static final class OneRow {
    private final Objective objective;
    private final Map<String, Double> scalars;
    private final Map<String, double[]> values = new LinkedHashMap<>();
    private final Map<String, Double> reference = new LinkedHashMap<>();
    private StepNumbers numbers = StepNumbers.NONE;

    OneRow(Objective objective, double label) {
      this.objective = objective;
      this.scalars = Map.of("label", label, "score", 0.75);
    }

    /** The numbers of a step whose only row this is; they have no derivative. */
    void plan() {
      Declaration declaration = objective.declaration();
      double[] state =
          declaration.initialState().stream().mapToDouble(Double::doubleValue).toArray();
      double[][] gathered =
          declaration.gathers()
              ? new double[][] {objective.gather(inputs(policy()))}
              : new double[0][];
      StepPlan plan = objective.plan(new GlobalBatch(7, 1, List.of(facts(1)), gathered, state));
      numbers = new StepNumbers(plan.shared(), plan.given(0), new OwnParameters(new double[0]));
    }

    Map<String, TokenLogProbs> policy() {
      Map<String, TokenLogProbs> policy = new LinkedHashMap<>();
      int prompt = objective.declaration().countsPrompt() ? 1 : 0;
      values.forEach((role, array) -> policy.put(role, new TokenLogProbs(array.clone(), prompt)));
      return policy;
    }

    RowLoss loss(Map<String, TokenLogProbs> policy) {
      return objective.row(inputs(policy));
    }

    StepTotals totals() {
      return StepTotals.of(List.of(facts(2)));
    }

    private RowFacts facts(double weight) {
      Map<String, Integer> counts = new LinkedHashMap<>();
      values.forEach((role, array) -> counts.put(role, array.length + 2));
      return new RowFacts("a", weight, counts, scalars.get("label"));
    }

    private RowInputs inputs(Map<String, TokenLogProbs> policy) {
      return new RowInputs(
          policy,
          RowInputsOfTests.zeroQuantities(policy),
          new Reference(reference, Map.of()),
          scalars,
          numbers);
    }
  }
}

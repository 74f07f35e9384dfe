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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every objective of the table that reads log-probs, differentiated in float64. */
class ObjectiveGradientTest {

  private static final double STEP = 1e-5;

  static Stream<String> names() {
    return Objectives.table().stream()
        .map(ObjectiveSpec::name)
        .filter(name -> Objectives.create(name, Map.of()).declaration().scores() == 0);
  }

  @ParameterizedTest
  @MethodSource("names")
  void derivativesAreThoseOfFiniteDifferences(String name) {
    Objective objective = Objectives.create(name, Map.of());
    Random random = new Random(8);
    Map<String, double[]> values = new LinkedHashMap<>();
    Map<String, Double> reference = new LinkedHashMap<>();
    for (String role : objective.declaration().sequences()) {
      values.put(role, random.doubles(1 + random.nextInt(6), -5, 0).toArray());
      reference.put(role, -10 * random.nextDouble());
    }
    Map<String, TokenLogProbs> policy = policy(values);
    objective.row(inputs(policy, reference)).differentiate(1.5, totals(values));

    for (Map.Entry<String, double[]> entry : values.entrySet()) {
      for (int t = 0; t < entry.getValue().length; t++) {
        double at = entry.getValue()[t];
        entry.getValue()[t] = at + STEP;
        double up = objective.row(inputs(policy(values), reference)).value(1.5, totals(values));
        entry.getValue()[t] = at - STEP;
        double down = objective.row(inputs(policy(values), reference)).value(1.5, totals(values));
        entry.getValue()[t] = at;
        assertThat(policy.get(entry.getKey()).gradients()[t])
            .as("%s token %d", entry.getKey(), t)
            .isCloseTo((up - down) / (2 * STEP), within(1e-8));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"10000, 0.0, 0.0", "-10000, 1000.0, -0.1"})
  void dpoStaysFiniteAtLargeMargins(double margin, double loss, double chosenGradient) {
    Map<String, TokenLogProbs> policy =
        policy(Map.of("chosen", new double[] {margin}, "rejected", new double[] {0}));
    Objective dpo = Objectives.create("dpo", Map.of("beta", 0.1));
    RowLoss row = dpo.row(inputs(policy, Map.of("chosen", 0.0, "rejected", 0.0)));
    StepTotals one = new StepTotals(1, 1, new TreeMap<>(), new TreeMap<>());

    assertThat(row.differentiate(1, one)).isEqualTo(loss);
    assertThat(policy.get("chosen").gradients()[0]).isEqualTo(chosenGradient);
  }

  private static StepTotals totals(Map<String, double[]> values) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    values.forEach((role, array) -> counts.put(role, array.length + 2));
    return StepTotals.of(List.of(new RowFacts("a", 2, counts, Double.NaN)));
  }

  private static Map<String, TokenLogProbs> policy(Map<String, double[]> values) {
    Map<String, TokenLogProbs> policy = new LinkedHashMap<>();
    values.forEach((role, array) -> policy.put(role, new TokenLogProbs(array.clone())));
    return policy;
  }

  private static RowInputs inputs(
      Map<String, TokenLogProbs> policy, Map<String, Double> reference) {
    return new RowInputs(
        policy,
        RowInputsOfTests.zeroQuantities(policy),
        new Reference(reference, Map.of()),
        Map.of(),
        StepNumbers.NONE);
  }
}

package dev.collimate.objective;

import dev.collimate.objective.RowInputs.StepNumbers;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A row of a reward model's numbers, of any sequences, as an objective reads it in one step. */
final class ScoredRow {

  private static final StepTotals ONE = new StepTotals(1, 1, new TreeMap<>(), new TreeMap<>());

  final Map<String, double[]> numbers = new LinkedHashMap<>();
  final Map<String, double[]> gradients = new LinkedHashMap<>();
  private final Map<String, Double> scalars = new LinkedHashMap<>();

  /** One number for each item of a list. */
  static ScoredRow ofList(double... rewards) {
    ScoredRow row = new ScoredRow();
    for (int i = 0; i < rewards.length; i++) {
      row.with("response_" + (i + 1), rewards[i]);
    }
    return row;
  }

  ScoredRow with(String role, double... values) {
    numbers.put(role, values);
    return this;
  }

  ScoredRow grades(double... grades) {
    for (int i = 0; i < grades.length; i++) {
      scalars.put("grades_" + i, grades[i]);
    }
    return this;
  }

  /** The loss of the row as the only one of a step; its derivatives are in {@link #gradients}. */
  double loss(Objective objective, long step) {
    Map<String, SequenceScores> scores = new LinkedHashMap<>();
    numbers.forEach((role, values) -> scores.put(role, new SequenceScores(values.clone())));
    double loss = row(objective, step, scores).differentiate(1, ONE);
    scores.forEach((role, ofRole) -> gradients.put(role, ofRole.gradients()));
    return loss;
  }

  double loss(Objective objective) {
    return loss(objective, 1);
  }

  /** The value of a metric. */
  double metric(Objective objective, String name) {
    Map<String, SequenceScores> scores = new LinkedHashMap<>();
    numbers.forEach((role, values) -> scores.put(role, new SequenceScores(values.clone())));
    return row(objective, 0, scores).metrics().stream()
        .filter(metric -> metric.name().equals(name))
        .mapToDouble(metric -> metric.sum() / metric.weight())
        .findFirst()
        .orElseThrow();
  }

  private RowLoss row(Objective objective, long step, Map<String, SequenceScores> scores) {
    RowFacts facts = new RowFacts("row", 1, Map.of(), Double.NaN);
    StepPlan plan =
        objective.plan(new GlobalBatch(7, step, List.of(facts), new double[0][], new double[0]));
    StepNumbers numbersOfStep =
        new StepNumbers(plan.shared(), plan.given(0), new OwnParameters(new double[0]));
    return objective.row(RowInputs.ofScores(scores, scalars, numbersOfStep));
  }

  /** The difference quotient of the loss by a number. */
  double slope(Objective objective, String role, int label, double step) {
    double[] values = numbers.get(role);
    double at = values[label];
    values[label] = at + step;
    double up = loss(objective);
    values[label] = at - step;
    double down = loss(objective);
    values[label] = at;
    return (up - down) / (2 * step);
  }
}

package dev.collimate.objective;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A global batch under an objective: first pass, plan, loss and derivatives. */
final class TestBatch {

  final Objective objective;
  final List<TestRow> rows;
  private final double[] state;
  private final long step;

  TestBatch(Objective objective, List<TestRow> rows, long step, double... state) {
    this.objective = objective;
    this.rows = List.copyOf(rows);
    this.step = step;
    this.state = state;
  }

  /** A first training step. */
  static TestBatch first(Objective objective, TestRow... rows) {
    return new TestBatch(objective, List.of(rows), 1, initialState(objective));
  }

  /** An evaluation of these held-out rows before training. */
  static TestBatch evaluation(Objective objective, TestRow... rows) {
    return new TestBatch(objective, List.of(rows), 0, initialState(objective));
  }

  static double[] initialState(Objective objective) {
    return objective.declaration().initialState().stream()
        .mapToDouble(Double::doubleValue)
        .toArray();
  }

  StepPlan plan() {
    double[][] gathered = new double[objective.declaration().gathers() ? rows.size() : 0][];
    for (int i = 0; i < gathered.length; i++) {
      gathered[i] = objective.gather(rows.get(i).inputs());
    }
    return objective.plan(new GlobalBatch(42, step, facts(), gathered, state));
  }

  private List<RowFacts> facts() {
    return rows.stream().map(TestRow::facts).toList();
  }

  private StepTotals totals() {
    return StepTotals.of(facts());
  }

  /** One row under a plan. */
  RowLoss row(StepPlan plan, int number) {
    return objective.row(rows.get(number).inputs(plan.shared(), plan.given(number)));
  }

  /** The step's loss under a plan. */
  double loss(StepPlan plan) {
    double loss = 0;
    for (int i = 0; i < rows.size(); i++) {
      loss += row(plan, i).value(rows.get(i).weight(), totals());
    }
    return loss;
  }

  double loss() {
    return loss(plan());
  }

  /** The step's loss under a plan; every row's derivatives are in it then. */
  double differentiate(StepPlan plan) {
    double loss = 0;
    for (int i = 0; i < rows.size(); i++) {
      loss += row(plan, i).differentiate(rows.get(i).weight(), totals());
    }
    return loss;
  }

  /** Means of the metrics, by name. */
  Map<String, Double> metrics(StepPlan plan) {
    Map<String, double[]> sums = new LinkedHashMap<>();
    for (int i = 0; i < rows.size(); i++) {
      for (RowLoss.Metric metric : row(plan, i).metrics()) {
        double[] sum = sums.computeIfAbsent(metric.name(), name -> new double[2]);
        sum[0] += metric.sum();
        sum[1] += metric.weight();
      }
    }
    Map<String, Double> means = new LinkedHashMap<>();
    sums.forEach((name, sum) -> means.put(name, sum[0] / sum[1]));
    return means;
  }
}

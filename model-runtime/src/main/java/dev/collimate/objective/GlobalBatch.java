package dev.collimate.objective;

import java.util.List;

/**
 * All rows of an optimizer step, as the driver knows them.
 *
 * @param seed the run's seed, for draws keyed by (seed, step, row)
 * @param step 1 for the first; 0 for an evaluation, whose batch is all held-out rows
 * @param rows in the order of the step
 * @param gathered [row][scalar] of {@link Objective#gather}; empty where none is declared
 * @param state the objective's state before the step
 */
public record GlobalBatch(
    long seed, long step, List<RowFacts> rows, double[][] gathered, double[] state) {

  public GlobalBatch {
    rows = List.copyOf(rows);
  }

  /** Whether the rows are held out and the state is as training left it. */
  public boolean isEvaluation() {
    return step == 0;
  }

  /** Sum of the rows' weights, in their order. */
  double weight() {
    double weight = 0;
    for (RowFacts row : rows) {
      weight += row.weight();
    }
    return weight;
  }

  /** Weighted mean over the rows of one of their gathered scalars. */
  double gatheredMean(int scalar) {
    double sum = 0;
    for (int row = 0; row < gathered.length; row++) {
      sum += rows.get(row).weight() * gathered[row][scalar];
    }
    return sum / weight();
  }
}

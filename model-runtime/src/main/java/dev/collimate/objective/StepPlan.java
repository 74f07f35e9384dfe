package dev.collimate.objective;

/**
 * What an objective decides once per step.
 *
 * @param state the objective's state after the step
 * @param shared numbers that every row reads, {@link RowInputs#shared}
 * @param perRow [row][number] numbers of each row, {@link RowInputs#given}; empty where there are
 *     none
 */
public record StepPlan(double[] state, double[] shared, double[][] perRow) {

  /** No numbers for the rows, the state as it was. */
  public static StepPlan unchanged(double[] state) {
    return new StepPlan(state, new double[0], new double[0][]);
  }

  /** The numbers of one row; empty where there are none. */
  public double[] given(int row) {
    return perRow.length == 0 ? new double[0] : perRow[row];
  }
}

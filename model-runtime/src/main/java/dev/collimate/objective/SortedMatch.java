package dev.collimate.objective;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * One-dimensional optimal transport over a global batch (AOT, Melnyk et al. 2024,
 * arXiv:2406.05882): the k-th smallest of one side is matched with the k-th smallest of the other.
 * The order is the plan's, so what a row is matched with is a constant of the row. Rows of weight 0
 * take no part.
 *
 * @param referenceMargin the reference margin matched with the row's policy margin
 * @param rejected log-ratio of the rejected side matched with the row's chosen side
 * @param chosen log-ratio of the chosen side matched with the row's rejected side
 * @param chosenShare weight of the match of the row's chosen side, in weights of the row: a match
 *     weighs the mean of its two rows
 * @param rejectedShare the same of the row's rejected side
 */
record SortedMatch(
    double referenceMargin,
    double rejected,
    double chosen,
    double chosenShare,
    double rejectedShare) {

  /** Where no loss sorts the batch. */
  static final SortedMatch NONE =
      new SortedMatch(Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN);

  private static final int POLICY_MARGIN = 0;
  private static final int REFERENCE_MARGIN = 1;
  private static final int CHOSEN = 2;
  private static final int REJECTED = 3;

  /**
   * What {@link #plan} reads of a row.
   *
   * @param chosen log-probabilities of the chosen side
   * @param rejected of the rejected side
   */
  static double[] gather(LogProbs chosen, LogProbs rejected) {
    double[] scalars = new double[4];
    scalars[POLICY_MARGIN] = chosen.policy() - rejected.policy();
    scalars[REFERENCE_MARGIN] = chosen.reference() - rejected.reference();
    scalars[CHOSEN] = chosen.policy() - chosen.reference();
    scalars[REJECTED] = rejected.policy() - rejected.reference();
    return scalars;
  }

  /** The log-probability of a sequence. */
  record LogProbs(double policy, double reference) {}

  /** The numbers of {@link #given} for every row. */
  static StepPlan plan(GlobalBatch batch) {
    double[][] gathered = batch.gathered();
    double[][] perRow = new double[gathered.length][5];
    int[] policyMargins = order(batch, POLICY_MARGIN);
    int[] referenceMargins = order(batch, REFERENCE_MARGIN);
    int[] chosen = order(batch, CHOSEN);
    int[] rejected = order(batch, REJECTED);
    for (int k = 0; k < chosen.length; k++) {
      double[] ofMargin = perRow[policyMargins[k]];
      double[] ofChosen = perRow[chosen[k]];
      double[] ofRejected = perRow[rejected[k]];
      double weightOfChosen = batch.rows().get(chosen[k]).weight();
      double weightOfRejected = batch.rows().get(rejected[k]).weight();
      double mean = (weightOfChosen + weightOfRejected) / 2;
      ofMargin[0] = gathered[referenceMargins[k]][REFERENCE_MARGIN];
      ofChosen[1] = gathered[rejected[k]][REJECTED];
      ofRejected[2] = gathered[chosen[k]][CHOSEN];
      ofChosen[3] = mean / weightOfChosen;
      ofRejected[4] = mean / weightOfRejected;
    }
    return new StepPlan(batch.state(), new double[0], perRow);
  }

  /** Reads what {@link #plan} made for a row. */
  static SortedMatch given(RowInputs inputs) {
    return new SortedMatch(
        inputs.given(0), inputs.given(1), inputs.given(2), inputs.given(3), inputs.given(4));
  }

  /** Row numbers by ascending scalar; equal ones in the order of the batch. */
  private static int[] order(GlobalBatch batch, int scalar) {
    return IntStream.range(0, batch.gathered().length)
        .filter(row -> batch.rows().get(row).weight() > 0)
        .boxed()
        .sorted(Comparator.comparingDouble(row -> batch.gathered()[row][scalar]))
        .mapToInt(Integer::intValue)
        .toArray();
  }
}

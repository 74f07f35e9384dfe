package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * {@link RelativePo} on judged completions: every good one of the global batch against every bad
 * one, {@code mean over good i and bad j of -logsigmoid(beta * tau_ij * (lr(i) - lr(j)))}. A step
 * of one label alone contrasts nothing and has no loss. An evaluation takes each completion by
 * itself, against one that the policy finds as likely as the reference does.
 */
final class UnpairedRelativePo implements Objective {

  private static final String COMPLETION = UnpairedMetrics.COMPLETION;

  private final Declaration declaration;
  private final double beta;
  private final PromptSimilarity similarity;

  UnpairedRelativePo(Options options) {
    beta = options.number("beta");
    similarity =
        new PromptSimilarity(PromptSimilarity.column(options), options.number("temperature"));
    declaration =
        Declaration.of("rpo_relative", COMPLETION)
            .withShape(RowShape.UNPAIRED)
            .withNumbers(similarity.column())
            .withQuantities(Quantity.MEAN_LOGIT)
            .withReference(ReferenceUse.SUMS)
            .withGather();
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  /** The log-ratio, and the direction of the prompt's embedding. */
  @Override
  public double[] gather(RowInputs inputs) {
    double[] direction = similarity.direction(inputs);
    double[] gathered = new double[1 + direction.length];
    gathered[0] = inputs.logRatio(COMPLETION).value();
    System.arraycopy(direction, 0, gathered, 1, direction.length);
    return gathered;
  }

  /** Of each row: its part of the loss, its derivative by the row's log-ratio, and that. */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    double[][] perRow = new double[batch.rows().size()][3];
    List<Integer> good = new ArrayList<>();
    List<Integer> bad = new ArrayList<>();
    double weightOfGood = 0;
    for (int row = 0; row < perRow.length; row++) {
      perRow[row][2] = batch.gathered()[row][0];
      if (batch.rows().get(row).label() == 1) {
        good.add(row);
        weightOfGood += batch.rows().get(row).weight();
      } else {
        bad.add(row);
      }
    }
    if (batch.isEvaluation()) {
      good.forEach(row -> alone(perRow[row], 1));
      bad.forEach(row -> alone(perRow[row], -1));
    } else if (!good.isEmpty() && !bad.isEmpty()) {
      List<double[]> others = bad.stream().map(row -> direction(batch, row)).toList();
      // The trainer divides by the weight of all rows; this mean is over the good ones.
      double share = batch.weight() / weightOfGood / bad.size();
      for (int i : good) {
        double[] tau = similarity.shares(direction(batch, i), others);
        for (int j = 0; j < tau.length; j++) {
          contrast(batch, perRow, i, bad.get(j), share, tau[j]);
        }
      }
    }
    return new StepPlan(batch.state(), new double[0], perRow);
  }

  private static double[] direction(GlobalBatch batch, int row) {
    double[] gathered = batch.gathered()[row];
    return Arrays.copyOfRange(gathered, 1, gathered.length);
  }

  private void alone(double[] row, int sign) {
    double contrast = sign * beta * row[2];
    row[0] = -Scalar.logSigmoid(contrast);
    row[1] = -sign * beta * Scalar.sigmoid(-contrast);
  }

  /** Adds a contrast to row i, and its derivatives to both rows, each by its own weight. */
  private void contrast(
      GlobalBatch batch, double[][] perRow, int i, int j, double share, double tau) {
    double scale = beta * tau;
    double contrast = scale * (perRow[i][2] - perRow[j][2]);
    double slope = share * scale * Scalar.sigmoid(-contrast);
    perRow[i][0] -= share * Scalar.logSigmoid(contrast);
    perRow[i][1] -= slope;
    perRow[j][1] += slope * batch.rows().get(i).weight() / batch.rows().get(j).weight();
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar logRatio = inputs.logRatio(COMPLETION);
    Scalar loss = logRatio.minus(inputs.given(2)).times(inputs.given(1)).plus(inputs.given(0));
    return RowLoss.perRow(loss).plus(UnpairedMetrics.of(inputs, beta * logRatio.value()));
  }
}

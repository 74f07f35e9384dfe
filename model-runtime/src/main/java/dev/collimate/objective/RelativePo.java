package dev.collimate.objective;

import java.util.Arrays;
import java.util.List;

/**
 * Relative preference optimization: every chosen answer of the global batch against every rejected
 * one. With {@code S_ij = lr_c(i) - lr_r(j)} the loss is {@code mean over i, j of -logsigmoid(beta
 * * tau_ij * S_ij)}, where {@code tau_ij = softmax over j of (-d_ij / T)} of the cosine distances d
 * of the prompts' embeddings. Without embeddings (mode {@code diagonal}) a pair itself has the
 * weight c and the mean of its other contrasts 1 - c.
 *
 * <p>The contrasts are made once per step, from the gathered log-ratios; a row's loss is their
 * first-order expansion in its own two log-ratios, so value and gradient are those of the whole
 * matrix. An evaluation takes each pair by itself, as DPO does: contrasts of all held-out rows
 * would measure how many there are.
 */
final class RelativePo implements Objective {

  private static final String UNPAIRED = "unpaired";
  private static final String DIAGONAL = "diagonal";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "rpo_relative",
              "mean over chosen i and rejected j of the step of -logsigmoid(beta * tau_ij * (lr_c(i) -"
                  + " lr_r(j)))",
              "Yin et al. 2024, Relative Preference Optimization, arXiv:2402.10958; not TRL's rpo_alpha",
              List.of(
                  Pairs.beta(0.1),
                  ObjectiveOption.choice(
                      "mode",
                      List.of("paired", DIAGONAL, UNPAIRED),
                      List.of("paired", DIAGONAL, UNPAIRED),
                      "`paired`: contrasts weighed by the prompts' embeddings; `diagonal`: by"
                          + " diagonal_weight; `unpaired`: as `paired`, of judged completions, good"
                          + " against bad."),
                  ObjectiveOption.number(
                      "temperature",
                      0.5,
                      "> 0",
                      "T of `paired` and `unpaired`: small for like prompts alone."),
                  PromptSimilarity.size("`paired` and `unpaired`"),
                  ObjectiveOption.number(
                      "diagonal_weight", 0.8, ">= 0 and <= 1", "c of `diagonal`; 1: DPO.")),
              options ->
                  options.text("mode").equals(UNPAIRED)
                      ? new UnpairedRelativePo(options)
                      : new RelativePo(options))
          .withNormalisation("mean over all pairings of a chosen and a rejected side of the step")
          .withLimits(
              "temperature: towards 0 with distinct prompts is dpo / B + (B - 1) / B * log 2, B rows in the step",
              "equal prompts have tau_ij = 1 / B",
              "mode: diagonal with diagonal_weight: 1 is dpo",
              "a step of one row, and an evaluation, is dpo",
              "mode: unpaired with one good and one bad row in the step is dpo on the two");

  private final Declaration declaration;
  private final double beta;
  private final double diagonalWeight;
  private final boolean isDiagonal;
  private final PromptSimilarity similarity;

  private RelativePo(Options options) {
    beta = options.number("beta");
    diagonalWeight = options.number("diagonal_weight");
    isDiagonal = options.text("mode").equals(DIAGONAL);
    similarity =
        new PromptSimilarity(PromptSimilarity.column(options), options.number("temperature"));
    Declaration pairs = Pairs.againstReference(SPEC.name()).withGather();
    declaration = isDiagonal ? pairs : pairs.withNumbers(similarity.column());
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  /** The log-ratios of both sides, and the embedding of length 1. */
  @Override
  public double[] gather(RowInputs inputs) {
    double[] direction = isDiagonal ? new double[0] : similarity.direction(inputs);
    double[] gathered = new double[2 + direction.length];
    gathered[0] = inputs.logRatio(Pairs.CHOSEN).value();
    gathered[1] = inputs.logRatio(Pairs.REJECTED).value();
    System.arraycopy(direction, 0, gathered, 2, direction.length);
    return gathered;
  }

  /** Of each row: value, derivatives by its chosen and rejected log-ratio, and both of these. */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    int count = batch.rows().size();
    double[][] perRow = new double[count][5];
    List<double[]> directions =
        Arrays.stream(batch.gathered()).map(row -> Arrays.copyOfRange(row, 2, row.length)).toList();
    for (int i = 0; i < count; i++) {
      perRow[i][3] = batch.gathered()[i][0];
      perRow[i][4] = batch.gathered()[i][1];
      if (batch.isEvaluation()) {
        addContrast(batch, perRow, i, i, /* share= */ 1, /* tau= */ 1);
        continue;
      }
      double[] tau = isDiagonal ? null : similarity.shares(directions.get(i), directions);
      for (int j = 0; j < count; j++) {
        double share = isDiagonal ? diagonalShare(i == j, count) : 1.0 / count;
        addContrast(batch, perRow, i, j, share, isDiagonal ? 1 : tau[j]);
      }
    }
    return new StepPlan(batch.state(), new double[0], perRow);
  }

  private double diagonalShare(boolean isPair, int count) {
    if (count == 1) {
      return 1;
    }
    return isPair ? diagonalWeight : (1 - diagonalWeight) / (count - 1);
  }

  /**
   * Adds {@code -logsigmoid(beta * tau * (lr_c(i) - lr_r(j)))} to row i, and its derivatives to
   * rows i and j. The trainer weighs row j's by j's weight, but they are part of row i's loss.
   */
  private void addContrast(
      GlobalBatch batch, double[][] perRow, int i, int j, double share, double tau) {
    double scale = beta * tau;
    double contrast = scale * (batch.gathered()[i][0] - batch.gathered()[j][1]);
    double slope = share * scale * Scalar.sigmoid(-contrast);
    perRow[i][0] -= share * Scalar.logSigmoid(contrast);
    perRow[i][1] -= slope;
    perRow[j][2] += slope * batch.rows().get(i).weight() / batch.rows().get(j).weight();
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar chosen = inputs.logRatio(Pairs.CHOSEN).minus(inputs.given(3)).times(inputs.given(1));
    Scalar rejected = inputs.logRatio(Pairs.REJECTED).minus(inputs.given(4)).times(inputs.given(2));
    return RowLoss.perRow(chosen.plus(rejected).plus(inputs.given(0)))
        .plus(Pairs.metrics(inputs, beta));
  }
}

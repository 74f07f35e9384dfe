package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.text.NumberColumn;
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

  private static final String EMBEDDING = "embedding";
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
                      List.of("paired", DIAGONAL, "unpaired"),
                      List.of("paired", DIAGONAL),
                      "`paired`: contrasts weighed by the prompts' embeddings; `diagonal`: by"
                          + " diagonal_weight."),
                  ObjectiveOption.number(
                      "temperature", 0.5, "> 0", "T of `paired`: small for like prompts alone."),
                  ObjectiveOption.number(
                      "embedding_size",
                      16.0,
                      ">= 2 and <= 4096",
                      "`paired`: length of the lists in the column embedding. The driver holds them, 8"
                          + " bytes a number and row."),
                  ObjectiveOption.number(
                      "diagonal_weight", 0.8, ">= 0 and <= 1", "c of `diagonal`; 1: DPO.")),
              RelativePo::new)
          .withNormalisation("mean over all pairings of a chosen and a rejected side of the step")
          .withLimits(
              "temperature: towards 0 with distinct prompts is dpo / B + (B - 1) / B * log 2, B rows in the step",
              "equal prompts have tau_ij = 1 / B",
              "mode: diagonal with diagonal_weight: 1 is dpo",
              "a step of one row, and an evaluation, is dpo");

  private final Declaration declaration;
  private final double beta;
  private final double temperature;
  private final double diagonalWeight;
  private final boolean isDiagonal;
  private final NumberColumn embedding;

  private RelativePo(Options options) {
    beta = options.number("beta");
    temperature = options.number("temperature");
    diagonalWeight = options.number("diagonal_weight");
    isDiagonal = options.text("mode").equals(DIAGONAL);
    double size = options.number("embedding_size");
    if (size != Math.rint(size)) {
      throw CollimateException.usage(
          "objective.embedding_size: must be a whole number, got " + size);
    }
    embedding = NumberColumn.required(EMBEDDING).ofLength((int) size);
    Declaration pairs = Pairs.againstReference(SPEC.name()).withGather();
    declaration = isDiagonal ? pairs : pairs.withNumbers(embedding);
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  /** The log-ratios of both sides, and the embedding of length 1. */
  @Override
  public double[] gather(RowInputs inputs) {
    double[] gathered = new double[2 + (isDiagonal ? 0 : embedding.length())];
    gathered[0] = inputs.logRatio(Pairs.CHOSEN).value();
    gathered[1] = inputs.logRatio(Pairs.REJECTED).value();
    double squares = 0;
    for (int i = 2; i < gathered.length; i++) {
      gathered[i] = inputs.scalar(embedding.scalar(i - 2));
      squares += gathered[i] * gathered[i];
    }
    for (int i = 2; i < gathered.length && squares > 0; i++) {
      gathered[i] /= StrictMath.sqrt(squares);
    }
    return gathered;
  }

  /** Of each row: value, derivatives by its chosen and rejected log-ratio, and both of these. */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    int count = batch.rows().size();
    double[][] perRow = new double[count][5];
    for (int i = 0; i < count; i++) {
      perRow[i][3] = batch.gathered()[i][0];
      perRow[i][4] = batch.gathered()[i][1];
      if (batch.isEvaluation()) {
        addContrast(batch, perRow, i, i, /* share= */ 1, /* tau= */ 1);
        continue;
      }
      double[] tau = isDiagonal ? null : similarities(batch.gathered(), i);
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

  /** {@code tau_ij} of a row, over all j. */
  private double[] similarities(double[][] gathered, int row) {
    double[] logits = new double[gathered.length];
    double most = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < logits.length; j++) {
      double cosine = 0;
      for (int k = 2; k < gathered[row].length; k++) {
        cosine += gathered[row][k] * gathered[j][k];
      }
      logits[j] = -(1 - cosine) / temperature;
      most = Math.max(most, logits[j]);
    }
    double sum = 0;
    for (int j = 0; j < logits.length; j++) {
      logits[j] = StrictMath.exp(logits[j] - most);
      sum += logits[j];
    }
    for (int j = 0; j < logits.length; j++) {
      logits[j] /= sum;
    }
    return logits;
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

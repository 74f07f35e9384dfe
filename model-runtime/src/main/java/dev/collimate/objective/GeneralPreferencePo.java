package dev.collimate.objective;

import dev.collimate.text.NumberColumn;
import java.util.List;

/**
 * General preference optimization (Zhang et al. 2024, arXiv:2410.02197, Algorithm 1): the log-ratio
 * of each side of a pair to the model that wrote it is to become the side's mean preference score
 * against the other answers, over beta. The squared loss is that of SPPO (Wu et al. 2024,
 * arXiv:2405.00675), whose scores are mean probabilities less one half.
 */
final class GeneralPreferencePo implements Objective {

  private static final NumberColumn CHOSEN_SCORE = NumberColumn.required("chosen_score");
  private static final NumberColumn REJECTED_SCORE = NumberColumn.required("rejected_score");

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "gpo",
              "((lr_c - chosen_score / beta)^2 + (lr_r - rejected_score / beta)^2) / 2; lr = logp - ref",
              "Zhang et al. 2024, General Preference Optimization, arXiv:2410.02197 (experimental)",
              List.of(
                  ObjectiveOption.number(
                      "beta",
                      0.001,
                      "> 0",
                      "Strength of the pull towards the reference model; the columns are the mean"
                          + " scores of each side against all answers to the prompt.")),
              GeneralPreferencePo::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "0 where both lr = score / beta",
              "scores of mean probabilities less 0.5 are SPPO with all answers",
              "scores of 0.5 and -0.5 are half of dpo with loss_type: sppo_hard");

  private static final Declaration DECLARATION =
      Pairs.againstReference(SPEC.name()).withNumbers(CHOSEN_SCORE, REJECTED_SCORE);

  private final double beta;

  private GeneralPreferencePo(Options options) {
    beta = options.number("beta");
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar chosen = error(inputs, Pairs.CHOSEN, CHOSEN_SCORE);
    Scalar rejected = error(inputs, Pairs.REJECTED, REJECTED_SCORE);
    return RowLoss.perRow(chosen.plus(rejected).times(0.5)).plus(Pairs.metrics(inputs, beta));
  }

  private Scalar error(RowInputs inputs, String role, NumberColumn score) {
    return inputs.logRatio(role).minus(inputs.scalar(score.name()) / beta).squared();
  }
}

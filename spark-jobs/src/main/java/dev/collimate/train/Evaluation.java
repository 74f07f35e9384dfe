package dev.collimate.train;

import dev.collimate.parameters.FlatVector;
import java.util.Map;

/** What is measured on the held-out rows. */
sealed interface Evaluation permits RowEvaluation, RewardEvaluation {

  /**
   * Evaluates a version of the parameters.
   *
   * @param state the objective's, which an evaluation does not change
   * @return metrics with the prefix {@code eval_}
   */
  Map<String, Object> run(long version, FlatVector parameters, double[] state);
}

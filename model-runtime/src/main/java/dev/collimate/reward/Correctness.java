package dev.collimate.reward;

import java.util.Optional;
import java.util.OptionalDouble;

/** Whether an answer is right. */
interface Correctness {

  /**
   * Compares.
   *
   * @param completion what the policy wrote
   * @param gold the right answer
   * @return empty where the right answer is none of the kind that can be compared
   */
  Optional<Boolean> isRight(String completion, String gold);

  /** 1 for right answers, 0 for wrong ones, by the right ones in a column. */
  default RowFunction by(String column) {
    return (batch, row) ->
        batch
            .column(column, row)
            .flatMap(gold -> isRight(batch.completions().get(row), gold))
            .map(RowFunction::oneIf)
            .orElse(OptionalDouble.empty());
  }
}

package dev.collimate.learn;

import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.text.Example;

/**
 * A row with everything that its loss needs beside the policy.
 *
 * @param example tokens, weight and number columns
 * @param reference the reference model's log-probabilities, {@link Reference#NONE} where none are
 *     read
 * @param given numbers of the objective's plan for this row; empty where there are none
 */
public record LearnRow(Example example, Reference reference, double[] given) {

  /** A row without numbers of a plan. */
  public LearnRow(Example example, Reference reference) {
    this(example, reference, new double[0]);
  }
}

package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import java.util.List;

/**
 * What a step gave.
 *
 * @param gradient the root's sum; the aggregator's own vector, valid until the next step
 * @param leaves each leaf's own result, in leaf order
 */
public record StepResult(FlatVector gradient, List<byte[]> leaves, RoundStats stats) {
  public StepResult {
    leaves = List.copyOf(leaves);
  }
}

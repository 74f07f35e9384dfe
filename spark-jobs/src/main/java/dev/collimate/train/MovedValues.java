package dev.collimate.train;

import dev.collimate.objective.RowInputs.Reference;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the reference model says of rows, where it follows the policy: what was computed before
 * training, until it has moved; then what was computed since of the rows that are read.
 */
final class MovedValues implements SplitRows.References {

  private final SplitRows.References first;
  private final Map<Integer, Reference> moved = new HashMap<>();
  private long updates;

  MovedValues(SplitRows.References first) {
    this.first = first;
  }

  /** How often the reference had moved when the values were computed. */
  long updates() {
    return updates;
  }

  void replace(long updatesSoFar, Map<Integer, Reference> values) {
    updates = updatesSoFar;
    moved.clear();
    moved.putAll(values);
  }

  @Override
  public Reference of(List<String> roles, int row) {
    if (updates == 0) {
      return first.of(roles, row);
    }
    Reference reference = moved.get(row);
    if (reference == null) {
      throw new IllegalStateException(
          "the reference's log-probabilities of row " + row + " are old");
    }
    return reference;
  }
}

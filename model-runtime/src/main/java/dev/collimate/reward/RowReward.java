package dev.collimate.reward;

import java.util.List;
import java.util.Optional;

/**
 * What a completion got.
 *
 * @param values a number for each reward of the run; NaN where it does not apply or failed
 * @param failures empty for a row that can be trained on
 */
public record RowReward(List<Double> values, List<RewardFailure> failures) {

  public RowReward {
    values = List.copyOf(values);
    failures = List.copyOf(failures);
  }

  /** Whether the row is not to be trained on. */
  public boolean isLost() {
    return !failures.isEmpty();
  }

  /** The failure that a report names; the first, in the order of the rewards. */
  public Optional<RewardFailure> failure() {
    return failures.stream().findFirst();
  }

  /** The weighted sum of those that apply, as TRL's {@code nansum}. */
  public double total(List<Double> weights) {
    double total = 0;
    for (int i = 0; i < values.size(); i++) {
      double value = values.get(i);
      total += Double.isNaN(value) ? 0 : weights.get(i) * value;
    }
    return total;
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.List;

/** The metrics that every objective on pairs reports, under TRL's names. */
final class PairMetrics {

  private PairMetrics() {}

  /** A number of each side. */
  record Sides(double chosen, double rejected) {}

  /** A row without loss that carries the metrics. */
  static RowLoss of(RowInputs inputs, double chosenReward, double rejectedReward) {
    return of(
        inputs,
        new Sides(chosenReward, rejectedReward),
        new Sides(inputs.policy("chosen").sum().value(), inputs.policy("rejected").sum().value()));
  }

  /**
   * The same of an objective with its own log-probability of a sequence.
   *
   * @param sums log-probabilities of the sequences, or their means where it takes those
   */
  static RowLoss of(RowInputs inputs, Sides rewards, Sides sums) {
    int chosen = inputs.policy("chosen").completion().count();
    int rejected = inputs.policy("rejected").completion().count();
    double chosenLogits = inputs.completionTotal("chosen", Quantity.MEAN_LOGIT);
    double rejectedLogits = inputs.completionTotal("rejected", Quantity.MEAN_LOGIT);
    return new RowLoss(List.of(), List.of())
        .report("rewards/chosen", rewards.chosen())
        .report("rewards/rejected", rewards.rejected())
        .report("rewards/accuracies", rewards.chosen() > rewards.rejected() ? 1 : 0)
        .report("rewards/margins", rewards.chosen() - rewards.rejected())
        .report("logps/chosen", sums.chosen())
        .report("logps/rejected", sums.rejected())
        .report("logits/chosen", chosenLogits, chosen)
        .report("logits/rejected", rejectedLogits, rejected);
  }
}

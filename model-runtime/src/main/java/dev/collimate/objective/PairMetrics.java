package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.List;

/** The metrics that every objective on pairs reports, under TRL's names. */
final class PairMetrics {

  private PairMetrics() {}

  /** A row without loss that carries the metrics. */
  static RowLoss of(RowInputs inputs, double chosenReward, double rejectedReward) {
    TokenLogProbs chosen = inputs.policy("chosen");
    TokenLogProbs rejected = inputs.policy("rejected");
    return new RowLoss(List.of(), List.of())
        .report("rewards/chosen", chosenReward)
        .report("rewards/rejected", rejectedReward)
        .report("rewards/accuracies", chosenReward > rejectedReward ? 1 : 0)
        .report("rewards/margins", chosenReward - rejectedReward)
        .report("logps/chosen", chosen.sum().value())
        .report("logps/rejected", rejected.sum().value())
        .report("logits/chosen", inputs.total("chosen", Quantity.MEAN_LOGIT), chosen.count())
        .report("logits/rejected", inputs.total("rejected", Quantity.MEAN_LOGIT), rejected.count());
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.List;

/**
 * The metrics that every objective on judged completions reports, under TRL's names: those of
 * desirable rows as {@code chosen}, of undesirable rows as {@code rejected}. {@code
 * rewards/margins}, the difference of their means, is no row's, and made where the means are.
 */
final class UnpairedMetrics {

  static final String COMPLETION = "completion";

  private UnpairedMetrics() {}

  /** Whether the row's completion is desirable. */
  static boolean isDesirable(RowInputs inputs) {
    return inputs.scalar(RowFacts.LABEL) == 1;
  }

  /** A row without loss that carries the metrics. */
  static RowLoss of(RowInputs inputs, double reward) {
    String side = isDesirable(inputs) ? "chosen" : "rejected";
    TokenLogProbs completion = inputs.policy(COMPLETION);
    double logits = inputs.total(COMPLETION, Quantity.MEAN_LOGIT);
    return new RowLoss(List.of(), List.of())
        .report("rewards/" + side, reward)
        .report("logps/" + side, completion.sum().value())
        .report("logits/" + side, logits, completion.count());
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;

/** Supervised fine-tuning: {@code -sum log p(token) / tokens} over the step's counted tokens. */
final class Sft implements Objective {

  static final String COMPLETION = "completion";

  static final ObjectiveSpec SPEC =
      ObjectiveSpec.of(
          "sft",
          "-sum(logp(token)) / tokens",
          "Cross-entropy on demonstrations; TRL's SFTTrainer",
          options -> new Sft());

  private static final Declaration DECLARATION =
      Declaration.of("sft", COMPLETION).withQuantities(Quantity.TOP1, Quantity.ENTROPY);

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs logProbs = inputs.policy(COMPLETION);
    return RowLoss.perToken(COMPLETION, logProbs.sum().negated())
        .report("mean_token_accuracy", inputs.total(COMPLETION, Quantity.TOP1), logProbs.count())
        .report("entropy", inputs.total(COMPLETION, Quantity.ENTROPY), logProbs.count());
  }
}

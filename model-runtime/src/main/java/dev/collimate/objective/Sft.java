package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.List;

/**
 * Supervised fine-tuning: {@code -sum log p(token) / tokens} over the step's counted tokens. Which
 * tokens count is the loss mask's, made when the data was prepared.
 */
final class Sft implements Objective {

  private static final String COMPLETION = "completion";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "sft",
              "-sum(logp(token)) / tokens",
              "Cross-entropy on demonstrations; TRL's SFTTrainer",
              List.of(
                  ObjectiveOption.flag(
                      "completion_only_loss",
                      true,
                      "Count the completion's tokens only, in rows of prompt and completion."),
                  ObjectiveOption.flag(
                      "assistant_only_loss",
                      false,
                      "Count the assistant's tokens only, in `messages`; the chat template must mark"
                          + " them.")),
              options -> new Sft())
          .withNormalisation("mean over the completion's tokens of the step");

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

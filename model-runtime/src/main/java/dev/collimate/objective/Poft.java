package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.NumberColumn;
import java.util.List;

/**
 * Preference-oriented supervised fine-tuning: the policy's mean log-probability a of a
 * demonstration is to exceed the mean c of aligned models, so what those find implausible counts
 * less. The gradient is {@code beta * (1 - sigmoid(beta * (a - c) + gamma))} times that of {@code
 * -a}.
 */
final class Poft implements Objective {

  private static final String COMPLETION = "completion";
  private static final String COMMITTEE = "mean_log_llm_probs";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "poft",
              "-logsigmoid(beta * (logp / tokens - mean_log_llm_probs) + gamma)",
              "Fan et al. 2024, PoFT, Preference-Oriented Supervised Fine-Tuning: Favoring Target Model"
                  + " Over Aligned Large Language Models, arXiv:2412.12865",
              List.of(
                  ObjectiveOption.number("beta", 1.0, "> 0", "Scale of the difference."),
                  ObjectiveOption.number("gamma", 0.0, "", "Added to the scaled difference.")),
              Poft::new)
          .withNormalisation("mean over rows")
          .withLimits("gamma: towards minus infinity has the gradient of beta * -logp / tokens");

  private static final Declaration DECLARATION =
      Declaration.of(SPEC.name(), COMPLETION)
          .withQuantities(Quantity.TOP1, Quantity.ENTROPY)
          .withNumbers(NumberColumn.required(COMMITTEE).within("<= 0"));

  private final double beta;
  private final double gamma;

  private Poft(Options options) {
    beta = options.number("beta");
    gamma = options.number("gamma");
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs logProbs = inputs.policy(COMPLETION);
    Scalar lead = logProbs.mean().minus(inputs.scalar(COMMITTEE)).times(beta).plus(gamma);
    return RowLoss.perRow(lead.logSigmoid().negated())
        .report("row_weights", Scalar.sigmoid(-lead.value()))
        .report("mean_token_accuracy", inputs.total(COMPLETION, Quantity.TOP1), logProbs.count())
        .report("entropy", inputs.total(COMPLETION, Quantity.ENTROPY), logProbs.count());
  }
}

package dev.collimate.objective;

import dev.collimate.text.FurtherSequence;
import java.util.List;

/**
 * SimPO with a term of supervised fine-tuning: {@code -logsigmoid(beta * (A_c - A_r) - gamma) +
 * sft_weight * NLL(chosen)}, A the mean log-probability of a completion's tokens; the second term
 * is a mean over the step's chosen tokens. With conditional pairs the chosen answer after its
 * prompt must also exceed the same answer after a corrupted prompt, by the same loss.
 */
final class WeightedSimpo implements Objective {

  private static final String CORRUPTED = "chosen_corrupted";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "weighted_simpo",
              "-logsigmoid(beta * (logp_c / len_c - logp_r / len_r) - gamma) + sft_weight * NLL(chosen)",
              "OSPO: Object-centric Self-improving Preference Optimization for Text-to-Image Generation,"
                  + " for text (experimental)",
              List.of(
                  ObjectiveOption.number(
                      "beta", 5.0, "> 0", "Scale of the mean log-probabilities."),
                  ObjectiveOption.number(
                      "gamma", 2.5, ">= 0", "Margin asked for; beta times the paper's k = 0.5."),
                  ObjectiveOption.number(
                      "sft_weight",
                      2.0,
                      ">= 0",
                      "Weight of the chosen completion's cross-entropy."),
                  ObjectiveOption.flag(
                      "conditional_pairs",
                      false,
                      "Also prefer the chosen answer after prompt to the same after the column"
                          + " prompt_corrupted.")),
              WeightedSimpo::new)
          .withNormalisation(
              "mean over rows; sft_weight: mean over the chosen side's tokens of the step")
          .withLimits(
              "is simpo with simpo_gamma: gamma and cpo_alpha: sft_weight",
              "conditional_pairs: true with prompt_corrupted = prompt adds softplus(gamma), and no gradient");

  private final Declaration declaration;
  private final double beta;
  private final double gamma;
  private final double sftWeight;
  private final boolean hasConditionalPairs;

  private WeightedSimpo(Options options) {
    beta = options.number("beta");
    gamma = options.number("gamma");
    sftWeight = options.number("sft_weight");
    hasConditionalPairs = options.flag("conditional_pairs");
    Declaration pairs = Pairs.referenceFree(SPEC.name());
    declaration =
        hasConditionalPairs
            ? pairs.withSequences(
                new FurtherSequence(CORRUPTED, "{prompt_corrupted}", Pairs.CHOSEN))
            : pairs;
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs chosen = inputs.policy(Pairs.CHOSEN);
    RowLoss row =
        RowLoss.perRow(preferred(inputs, Pairs.REJECTED)).plus(Pairs.meanMetrics(inputs, beta));
    if (hasConditionalPairs) {
      row = row.plus(RowLoss.perRow(preferred(inputs, CORRUPTED)));
    }
    if (sftWeight > 0) {
      row = row.plus(RowLoss.perToken(Pairs.CHOSEN, chosen.sum().times(-sftWeight)));
    }
    return row.report("nll_loss", -chosen.sum().value(), chosen.count());
  }

  private Scalar preferred(RowInputs inputs, String other) {
    Scalar lead = inputs.policy(Pairs.CHOSEN).mean().minus(inputs.policy(other).mean());
    return lead.times(beta).minus(gamma).logSigmoid().negated();
  }
}

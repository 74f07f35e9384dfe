package dev.collimate.objective;

import dev.collimate.text.FurtherSequence;
import dev.collimate.text.TokenMarks;
import java.util.List;

/**
 * SimPO with a term of supervised fine-tuning: {@code -logsigmoid(beta * (A_c - A_r) - gamma) +
 * sft_weight * NLL(chosen)}, {@code A = sum w_t logp_t / sum w_t}; the second term is a mean over
 * the step's chosen tokens. A token's weight is {@code 1 + alpha * m_t^gamma_m}, m_t its mark. With
 * conditional pairs the chosen answer after its prompt must also exceed the same answer after a
 * corrupted prompt, by the same loss.
 */
final class WeightedSimpo implements Objective {

  private static final String CORRUPTED = "chosen_corrupted";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "weighted_simpo",
              "-logsigmoid(beta * (A_c - A_r) - gamma) + sft_weight * NLL(chosen), A = sum w_t logp_t /"
                  + " sum w_t, w_t = 1 + alpha * mark_t^gamma_m",
              "Oh et al. 2025, OSPO: Object-centric Self-improving Preference Optimization for"
                  + " Text-to-Image Generation, arXiv:2506.02015, for text (experimental)",
              List.of(
                  ObjectiveOption.number(
                      "beta", 5.0, "> 0", "Scale of the mean log-probabilities."),
                  ObjectiveOption.number(
                      "gamma", 2.5, ">= 0", "Margin asked for; beta times the paper's k = 0.5."),
                  ObjectiveOption.number(
                      "alpha",
                      1.0,
                      ">= 0",
                      "How much more a marked token counts (columns chosen_marks and"
                          + " rejected_marks); 0: all count alike."),
                  ObjectiveOption.number(
                      "gamma_m", 1.0, "> 0", "Exponent of the marks, which are 0 to 1."),
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
              "alpha: 0, or rows without marks, is simpo with simpo_gamma: gamma and cpo_alpha: sft_weight",
              "conditional_pairs: true with prompt_corrupted = prompt adds softplus(gamma), and no gradient");

  private final Declaration declaration;
  private final double beta;
  private final double gamma;
  private final double alpha;
  private final double markExponent;
  private final double sftWeight;
  private final boolean hasConditionalPairs;

  private WeightedSimpo(Options options) {
    beta = options.number("beta");
    gamma = options.number("gamma");
    alpha = options.number("alpha");
    markExponent = options.number("gamma_m");
    sftWeight = options.number("sft_weight");
    hasConditionalPairs = options.flag("conditional_pairs");
    Declaration pairs =
        Pairs.referenceFree(SPEC.name())
            .withMarks(
                new TokenMarks(Pairs.CHOSEN, "chosen_marks"),
                new TokenMarks(Pairs.REJECTED, "rejected_marks"));
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
    // The answer after the corrupted prompt is the chosen one, with its marks.
    String marked = other.equals(CORRUPTED) ? Pairs.CHOSEN : other;
    Scalar lead =
        mean(inputs.policy(Pairs.CHOSEN), inputs.marks(Pairs.CHOSEN))
            .minus(mean(inputs.policy(other), inputs.marks(marked)));
    return lead.times(beta).minus(gamma).logSigmoid().negated();
  }

  /** {@code sum w_t logp_t / sum w_t}; where nothing is marked the mean to the bit. */
  private Scalar mean(TokenLogProbs tokens, double[] marks) {
    double[] weights = new double[tokens.count()];
    double total = 0;
    for (int t = 0; t < weights.length; t++) {
      // A cut may have left fewer tokens after another prompt.
      double mark = t < marks.length ? marks[t] : 0;
      weights[t] = mark > 0 ? 1 + alpha * StrictMath.pow(mark, markExponent) : 1;
      total += weights[t];
    }
    return tokens.weightedSum(weights).dividedBy(total);
  }
}

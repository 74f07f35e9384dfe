package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.List;

/**
 * Odds ratio preference optimization (Hong et al. 2024, arXiv:2403.07691, equations 6 and 7), with
 * the cross-entropy that TRL's ORPOTrainer has: over prompt and chosen completion.
 */
final class Orpo implements Objective {

  private static final String CHOSEN = "chosen";
  private static final String REJECTED = "rejected";
  private static final String NLL_ON = "nll_on";
  private static final String COMPLETION = "completion";

  /**
   * Where {@code log(1 - e^l)} ends: it stays as it is at this mean log-probability, which float32
   * hardly tells from 0, where it would be minus infinity.
   */
  static final double MAX_MEAN = -1e-7;

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "orpo",
              "nll(prompt and chosen) - beta * logsigmoid(odds(avg_c) - odds(avg_r));"
                  + " odds(l) = l - log(1 - e^l), avg = logp / tokens",
              "Hong et al. 2024, arXiv:2403.07691; TRL's ORPOTrainer",
              List.of(
                  ObjectiveOption.number("beta", 0.1, "> 0", "Weight of the odds ratio's loss."),
                  ObjectiveOption.choice(
                      NLL_ON,
                      List.of("prompt_and_completion", COMPLETION),
                      List.of("prompt_and_completion", COMPLETION),
                      "The tokens of the chosen side whose cross-entropy is the other part.")),
              Orpo::new)
          .withNormalisation("mean over rows; nll: mean over the counted tokens of the step");

  private final double beta;
  private final boolean countsPrompt;

  private Orpo(Options options) {
    beta = options.number("beta");
    countsPrompt = !options.text(NLL_ON).equals(COMPLETION);
  }

  @Override
  public Declaration declaration() {
    Declaration declaration =
        Declaration.of("orpo", CHOSEN, REJECTED).withQuantities(Quantity.MEAN_LOGIT);
    return countsPrompt ? declaration.withPrompt() : declaration;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs imitated = inputs.policy(CHOSEN);
    Scalar nll = imitated.sum().negated();
    Scalar chosen = imitated.completion().mean();
    Scalar rejected = inputs.policy(REJECTED).completion().mean();
    Scalar logOdds = logOdds(chosen).minus(logOdds(rejected));
    Scalar ratio = logOdds.logSigmoid();
    return RowLoss.perToken(CHOSEN, nll)
        .plus(RowLoss.perRow(ratio.times(-beta)))
        .plus(
            PairMetrics.of(
                inputs,
                new PairMetrics.Sides(beta * chosen.value(), beta * rejected.value()),
                new PairMetrics.Sides(chosen.value(), rejected.value())))
        .report("nll_loss", nll.value(), imitated.count())
        .report("log_odds_ratio", ratio.value())
        .report("log_odds_chosen", logOdds.value());
  }

  /** {@code l - log(1 - e^l)} of a mean log-probability. */
  private static Scalar logOdds(Scalar mean) {
    return mean.minus(logOfComplement(mean));
  }

  /** {@code log(1 - e^l)}, exact near 0 and far from it, constant above {@link #MAX_MEAN}. */
  private static Scalar logOfComplement(Scalar mean) {
    double l = Math.min(mean.value(), MAX_MEAN);
    double value =
        l > -0.5 ? StrictMath.log(-StrictMath.expm1(l)) : StrictMath.log1p(-StrictMath.exp(l));
    return mean.map(value, mean.value() > MAX_MEAN ? 0 : -1 / StrictMath.expm1(-l));
  }
}

package dev.collimate.objective;

import dev.collimate.text.NumberColumn;
import java.util.List;

/**
 * DPO in which a reward model's margin h says how strongly a pair counts: {@code w(h) *
 * -logsigmoid(beta * M)}. With {@code c = c_min + (c_max - c_min) / (1 + (c_max - 1) / (1 - c_min)
 * * exp(lam * (|h| - tau)))} the weight is {@code sigmoid(c * h) / sigmoid(h)} for {@code h >
 * -tau}, else 1; it is continuous, since {@code c(tau) = 1}.
 */
final class Madpo implements Objective {

  private static final String MARGIN = "rm_margin";

  /** Beyond it a power of e is as good as infinite, and stays finite. */
  private static final double MOST_EXPONENT = 80;

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "madpo",
              "w(rm_margin) * -logsigmoid(beta * M)",
              "Rho 2025, Margin Adaptive DPO: Leveraging Reward Model for Granular Control in Preference"
                  + " Optimization, arXiv:2510.05342",
              List.of(
                  Pairs.beta(0.1),
                  ObjectiveOption.number(
                      "c_max", 2.0, ">= 1", "Amplification of pairs whose rm_margin is small."),
                  ObjectiveOption.number(
                      "c_min", 0.5, "> 0 and <= 1", "Dampening of pairs whose rm_margin is large."),
                  ObjectiveOption.number(
                      "lam", 1.0, "> 0", "How sharply one gives way to the other."),
                  ObjectiveOption.number(
                      "tau",
                      StrictMath.log(999),
                      "> 0",
                      "The rm_margin at which a pair counts as in DPO.")),
              Madpo::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "c_max: 1 with c_min: 1 is dpo",
              "a row with rm_margin = tau, or at most -tau, has dpo's loss");

  private static final Declaration DECLARATION =
      Pairs.againstReference(SPEC.name()).withNumbers(NumberColumn.required(MARGIN));

  private final double beta;
  private final double most;
  private final double least;
  private final double sharpness;
  private final double tau;

  private Madpo(Options options) {
    beta = options.number("beta");
    most = options.number("c_max");
    least = options.number("c_min");
    sharpness = options.number("lam");
    tau = options.number("tau");
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  /** {@code c(|h|)}. */
  double coefficient(double margin) {
    if (most == 1 || least == 1) {
      // The limit of the formula, which has 0 / 0 where both are.
      return 1;
    }
    double exponent =
        Math.max(-MOST_EXPONENT, Math.min(MOST_EXPONENT, sharpness * (Math.abs(margin) - tau)));
    return least + (most - least) / (1 + (most - 1) / (1 - least) * StrictMath.exp(exponent));
  }

  /** {@code w(h)}, between 0 and 2. */
  double weight(double margin) {
    if (margin <= -tau) {
      return 1;
    }
    return StrictMath.exp(
        Scalar.logSigmoid(coefficient(margin) * margin) - Scalar.logSigmoid(margin));
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    double weight = weight(inputs.scalar(MARGIN));
    Scalar loss = Pairs.margin(inputs).times(beta).logSigmoid().times(-weight);
    return RowLoss.perRow(loss).plus(Pairs.metrics(inputs, beta)).report("margin_weights", weight);
  }
}

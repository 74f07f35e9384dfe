package dev.collimate.objective;

import dev.collimate.nn.Quantity;

/** What objectives on a chosen and a rejected completion share. */
final class Pairs {

  static final String CHOSEN = "chosen";
  static final String REJECTED = "rejected";

  private Pairs() {}

  /** An objective on both completions' log-ratios to the reference. */
  static Declaration againstReference(String name) {
    return referenceFree(name).withReference(ReferenceUse.SUMS);
  }

  /** An objective on both completions' log-probabilities alone. */
  static Declaration referenceFree(String name) {
    return Declaration.of(name, CHOSEN, REJECTED).withQuantities(Quantity.MEAN_LOGIT);
  }

  static ObjectiveOption beta(double usual) {
    return ObjectiveOption.number(
        "beta", usual, "> 0", "Strength of the pull towards the reference model.");
  }

  /** {@code M = (logp_c - ref_c) - (logp_r - ref_r)}, without beta. */
  static Scalar margin(RowInputs inputs) {
    return inputs.logRatio(CHOSEN).minus(inputs.logRatio(REJECTED));
  }

  /** TRL's metrics of a pair whose rewards are {@code beta} times the log-ratios. */
  static RowLoss metrics(RowInputs inputs, double beta) {
    return PairMetrics.of(
        inputs, beta * inputs.logRatio(CHOSEN).value(), beta * inputs.logRatio(REJECTED).value());
  }

  /** TRL's metrics of a pair whose rewards are {@code beta} times the mean log-probabilities. */
  static RowLoss meanMetrics(RowInputs inputs, double beta) {
    return PairMetrics.of(
        inputs,
        beta * inputs.policy(CHOSEN).mean().value(),
        beta * inputs.policy(REJECTED).mean().value());
  }
}

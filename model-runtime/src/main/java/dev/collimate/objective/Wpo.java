package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.List;

/**
 * Weighted preference optimization as its authors' code has it: DPO whose pairs are weighted by how
 * likely the policy is to write them, at most 1.
 */
final class Wpo implements Objective {

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "wpo",
              "-w * logsigmoid(beta * ((logp_c - ref_c) - (logp_r - ref_r))),"
                  + " w = min(1, w_c * w_r), w_y = exp(mean(logp(token) - log sum_v p(v)^2))",
              "Zhou et al. 2024, arXiv:2406.11827; the authors' code. TRL's unbounded weight is dpo's"
                  + " use_weighting",
              List.of(
                  ObjectiveOption.number(
                      "beta", 0.01, "> 0", "Strength of the pull towards the reference model."),
                  ObjectiveOption.number(
                      "label_smoothing",
                      0.0,
                      ">= 0 and < 0.5",
                      "Probability that a label is wrong, as in cDPO.")),
              Wpo::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "w = 1 with label_smoothing: 0 is dpo",
              "w_c * w_r <= 1 with label_smoothing: 0 is dpo with use_weighting: true");

  private final double beta;
  private final double smoothing;

  Wpo(Options options) {
    beta = options.number("beta");
    smoothing = options.number("label_smoothing");
  }

  @Override
  public Declaration declaration() {
    return Declaration.of("wpo", "chosen", "rejected")
        .withQuantities(Quantity.MEAN_LOGIT, Quantity.LOG_SUM_SQUARES)
        .withReference(ReferenceUse.SUMS);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar chosen = inputs.logRatio("chosen");
    Scalar rejected = inputs.logRatio("rejected");
    double weight = Math.min(1, PairWeight.of(inputs));
    Scalar loss = PairLoss.smoothed(chosen.minus(rejected).times(beta), smoothing);
    return RowLoss.perRow(loss.times(weight))
        .plus(PairMetrics.of(inputs, beta * chosen.value(), beta * rejected.value()));
  }
}

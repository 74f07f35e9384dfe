package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.RowShape;
import java.util.List;

/**
 * Preference optimization as probabilistic inference (Abdolmaleki et al. 2024, arXiv:2410.04166):
 * separate means over good and bad completions, and a KL divergence from the reference to the
 * policy.
 *
 * <p>The paper has the divergence in closed form over the vocabulary. Here it is estimated from the
 * rows' own completions, {@code e^lr - 1 - lr} of the whole sequence, which is unbiased where the
 * completions are the reference's and never negative. Its optimum on such rows is that of the
 * paper: a good completion's {@code e^lr} rises to {@code 1 + alpha / b} times its class's inverse
 * share, and the loss of a bad one is bounded below from {@code b = (1 - alpha)} times that on; for
 * halves and alpha = 0.5 from b = 1.
 */
final class Pmpo implements Objective {

  private static final String COMPLETION = UnpairedMetrics.COMPLETION;

  /** Above it {@code e^lr} is held, and with it the gradient of that part is 0. */
  private static final double MAX_EXPONENT = 80;

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "pmpo",
              "alpha * mean over good rows of -logp + (1 - alpha) * mean over bad rows of logp"
                  + " + kl_beta * (e^lr - 1 - lr); lr = logp - ref",
              "Abdolmaleki et al. 2024, arXiv:2410.04166; the KL estimated from the rows' completions"
                  + " (experimental)",
              List.of(
                  ObjectiveOption.number(
                      "alpha",
                      0.5,
                      ">= 0 and <= 1",
                      "Share of the good rows; 1 learns from them alone, 0 from the bad ones."),
                  ObjectiveOption.number(
                      "kl_beta",
                      1.0,
                      ">= 0",
                      "Strength of the KL term. Below 2 * (1 - alpha), with as many bad rows as good"
                          + " ones, nothing bounds the loss from below.")),
              Pmpo::new)
          .withNormalisation("mean per label; the KL term: mean over rows")
          .withLimits(
              "kl_beta: 0 does not depend on how often the bad rows are repeated",
              "kl_beta: 0 with alpha: 1 is the mean of -logp over the good rows",
              "with as many bad rows as good ones a good row comes to rest at e^lr = 1 + 2 * alpha / kl_beta");

  private static final Declaration DECLARATION =
      Declaration.of("pmpo", COMPLETION)
          .withShape(RowShape.UNPAIRED)
          .withQuantities(Quantity.MEAN_LOGIT)
          .withReference(ReferenceUse.SUMS);

  private final double alpha;
  private final double klBeta;

  private Pmpo(Options options) {
    alpha = options.number("alpha");
    klBeta = options.number("kl_beta");
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public List<String> warnings() {
    double bound = 2 * (1 - alpha);
    return klBeta >= bound
        ? List.of()
        : List.of(
            "objective.kl_beta: %s is below 2 * (1 - alpha) = %s; with as many bad rows as good ones nothing bounds the loss from below"
                .formatted(klBeta, bound));
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar logProb = inputs.policy(COMPLETION).sum();
    boolean isGood = UnpairedMetrics.isDesirable(inputs);
    Scalar logRatio = logProb.minus(inputs.reference(COMPLETION));
    Scalar kl =
        logRatio.clamp(Double.NEGATIVE_INFINITY, MAX_EXPONENT).exp().minus(1).minus(logRatio);
    RowLoss judged =
        isGood
            ? RowLoss.perLabel(1, logProb.times(-alpha))
            : RowLoss.perLabel(0, logProb.times(1 - alpha));
    return judged
        .plus(RowLoss.perRow(kl.times(klBeta)))
        .plus(UnpairedMetrics.of(inputs, klBeta * logRatio.value()))
        .report("kl", kl.value());
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.RowShape;
import java.util.List;

/**
 * Binary classifier optimization (Jung et al. 2024, arXiv:2404.04656) as TRL's BCOTrainer has it:
 * {@code delta} is the mean of the rewards of all rows that training has seen, those of the step
 * itself included. An evaluation uses it as training left it.
 */
final class Bco implements Objective {

  private static final String COMPLETION = UnpairedMetrics.COMPLETION;

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "bco",
              "-logsigmoid(beta * lr - delta) where desirable, -logsigmoid(delta - beta * lr) where not;"
                  + " lr = logp - ref, delta = running mean of beta * lr",
              "Jung et al. 2024, arXiv:2404.04656; TRL's BCOTrainer",
              List.of(
                  ObjectiveOption.number(
                      "beta", 0.1, "> 0", "Strength of the pull towards the reference model.")),
              Bco::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "delta = 0 is, in each row, pointwise_dpo with c: 0, whose mean is per label");

  /** State: the running mean, and the weight of the rows in it. */
  private static final Declaration DECLARATION =
      Declaration.of("bco", COMPLETION)
          .withShape(RowShape.UNPAIRED)
          .withQuantities(Quantity.MEAN_LOGIT)
          .withReference(ReferenceUse.SUMS)
          .withGather()
          .withState(0.0, 0.0);

  private final double beta;

  private Bco(Options options) {
    beta = options.number("beta");
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public double[] gather(RowInputs inputs) {
    return new double[] {beta * inputs.logRatio(COMPLETION).value()};
  }

  @Override
  public StepPlan plan(GlobalBatch batch) {
    double mean = batch.state()[0];
    double weight = batch.state()[1];
    if (!batch.isEvaluation()) {
      double added = batch.weight();
      weight += added;
      mean += (batch.gatheredMean(0) - mean) * added / weight;
    }
    return new StepPlan(new double[] {mean, weight}, new double[] {mean}, new double[0][]);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar reward = inputs.logRatio(COMPLETION).times(beta);
    double delta = inputs.shared(0);
    Scalar margin = reward.minus(delta);
    Scalar signed = UnpairedMetrics.isDesirable(inputs) ? margin : margin.negated();
    return RowLoss.perRow(signed.logSigmoid().negated())
        .plus(UnpairedMetrics.of(inputs, reward.value()))
        .report("delta", delta);
  }
}

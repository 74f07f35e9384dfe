package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.RowShape;
import java.util.List;

/**
 * Kahneman-Tversky optimization (Ethayarajh et al. 2024, arXiv:2402.01306, equation 8) and its
 * anchored variant without the KL term (D'Oosterlinck et al. 2024, arXiv:2408.06266), as TRL's
 * KTOTrainer has them: one mean over desirable and undesirable rows together.
 */
final class Kto implements Objective {

  private static final String COMPLETION = UnpairedMetrics.COMPLETION;
  private static final String MISMATCHED = Declaration.MISMATCHED;

  private static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.number(
              "beta", 0.1, "> 0", "Strength of the pull towards the reference model."),
          ObjectiveOption.number(
              "desirable_weight", 1.0, "> 0", "Weight of the rows whose label is true."),
          ObjectiveOption.number(
              "undesirable_weight", 1.0, "> 0", "Weight of the rows whose label is false."));

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "kto",
              "w_d * (1 - sigmoid(beta * (lr - kl))) where desirable,"
                  + " w_u * (1 - sigmoid(beta * (kl - lr))) where not; lr = logp - ref,"
                  + " kl = max(0, mean lr of mismatched completions)",
              "Ethayarajh et al. 2024, arXiv:2402.01306; TRL's KTOTrainer",
              OPTIONS,
              options -> new Kto(options, /* hasKl= */ true))
          .withNormalisation("mean over rows")
          .withLimits("kl = 0 is apo_zero_unpaired");

  static final ObjectiveSpec APO_ZERO_UNPAIRED =
      new ObjectiveSpec(
              "apo_zero_unpaired",
              "w_d * (1 - sigmoid(beta * lr)) where desirable, w_u * sigmoid(beta * lr) where not;"
                  + " lr = logp - ref",
              "D'Oosterlinck et al. 2024, arXiv:2408.06266; TRL's KTOTrainer",
              OPTIONS,
              options -> new Kto(options, /* hasKl= */ false))
          .withNormalisation("mean over rows")
          .withLimits("is kto with kl = 0");

  private final boolean hasKl;
  private final double beta;
  private final double desirableWeight;
  private final double undesirableWeight;

  private Kto(Options options, boolean hasKl) {
    this.hasKl = hasKl;
    beta = options.number("beta");
    desirableWeight = options.number("desirable_weight");
    undesirableWeight = options.number("undesirable_weight");
  }

  @Override
  public Declaration declaration() {
    Declaration declaration =
        Declaration.of(hasKl ? "kto" : "apo_zero_unpaired", COMPLETION)
            .withShape(RowShape.UNPAIRED)
            .withQuantities(Quantity.MEAN_LOGIT)
            .withReference(ReferenceUse.SUMS);
    return hasKl ? declaration.withGather(MISMATCHED) : declaration;
  }

  @Override
  public double[] gather(RowInputs inputs) {
    return new double[] {inputs.logRatio(MISMATCHED).value()};
  }

  @Override
  public StepPlan plan(GlobalBatch batch) {
    if (!hasKl) {
      return StepPlan.unchanged(batch.state());
    }
    double kl = Math.max(0, batch.gatheredMean(0));
    return new StepPlan(batch.state(), new double[] {kl}, new double[0][]);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar logRatio = inputs.logRatio(COMPLETION);
    double kl = hasKl ? inputs.shared(0) : 0;
    // 1 - sigmoid(x) is sigmoid(-x), which keeps its digits where sigmoid(x) is near 1.
    Scalar advantage = logRatio.minus(kl).times(beta);
    Scalar loss =
        UnpairedMetrics.isDesirable(inputs)
            ? advantage.negated().sigmoid().times(desirableWeight)
            : advantage.sigmoid().times(undesirableWeight);
    RowLoss row = RowLoss.perRow(loss).plus(UnpairedMetrics.of(inputs, beta * logRatio.value()));
    return hasKl ? row.report("kl", kl) : row;
  }
}

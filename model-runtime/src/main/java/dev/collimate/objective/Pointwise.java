package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowShape;
import java.util.List;

/**
 * ULMA (Cai et al. 2023, arXiv:2312.02554): single completions, judged good or bad or with a score,
 * against the implicit reward {@code beta * lr + c} of DPO.
 */
final class Pointwise implements Objective {

  private static final String COMPLETION = UnpairedMetrics.COMPLETION;
  private static final String SCORE = "score";

  private static final String SOURCE =
      "Cai et al. 2023, arXiv:2312.02554; the paper sums over tokens, its code has the mean";

  private static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.number(
              "beta", 0.1, "> 0", "Strength of the pull towards the reference model."),
          ObjectiveOption.number(
              "c", 0.0, "", "Constant that stands for the logarithm of the partition function."),
          ObjectiveOption.flag(
              "average_log_prob",
              false,
              "Take means over a completion's tokens instead of sums, of policy and reference."));

  static final ObjectiveSpec DPO =
      new ObjectiveSpec(
              "pointwise_dpo",
              "mean over good rows of -logsigmoid(beta * lr + c) + mean over bad rows of"
                  + " -logsigmoid(-beta * lr - c); lr = logp - ref",
              SOURCE,
              OPTIONS,
              options -> new Pointwise(Loss.DPO, options))
          .withNormalisation("mean per label")
          .withLimits("at logp = ref with c: 0 a good row has beta / 2 of ulma's gradient");

  static final ObjectiveSpec ULMA =
      new ObjectiveSpec(
              "ulma",
              "mean over good rows of -logp + mean over bad rows of -logsigmoid(-beta * lr - c);"
                  + " lr = logp - ref",
              SOURCE,
              OPTIONS,
              options -> new Pointwise(Loss.ULMA, options))
          .withNormalisation("mean per label")
          .withLimits(
              "average_log_prob: true on one good row is sft",
              "a bad row's gradient goes to 0 as lr goes to minus infinity");

  static final ObjectiveSpec REGRESSION =
      new ObjectiveSpec(
              "pointwise_regression",
              "(score - beta * lr - c)^2; lr = logp - ref, score = the row's column",
              SOURCE,
              OPTIONS,
              options -> new Pointwise(Loss.REGRESSION, options))
          .withNormalisation("mean over rows")
          .withLimits("0 where score = beta * lr + c");

  private enum Loss {
    DPO,
    ULMA,
    REGRESSION
  }

  private final Loss loss;
  private final double beta;
  private final double c;
  private final boolean averages;

  private Pointwise(Loss loss, Options options) {
    this.loss = loss;
    beta = options.number("beta");
    c = options.number("c");
    averages = options.flag("average_log_prob");
  }

  @Override
  public Declaration declaration() {
    String name =
        switch (loss) {
          case DPO -> DPO.name();
          case ULMA -> ULMA.name();
          case REGRESSION -> REGRESSION.name();
        };
    Declaration declaration =
        Declaration.of(name, COMPLETION)
            .withQuantities(Quantity.MEAN_LOGIT)
            .withReference(ReferenceUse.SUMS);
    return loss == Loss.REGRESSION
        ? declaration.withNumbers(NumberColumn.required(SCORE))
        : declaration.withShape(RowShape.UNPAIRED);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs policy = inputs.policy(COMPLETION);
    double tokens = averages ? policy.count() : 1;
    Scalar logProb = averages ? policy.mean() : policy.sum();
    Scalar reward = logProb.minus(inputs.reference(COMPLETION) / tokens).times(beta).plus(c);
    if (loss == Loss.REGRESSION) {
      Scalar error = reward.negated().plus(inputs.scalar(SCORE));
      return RowLoss.perRow(error.squared())
          .report("rewards/mean", reward.value())
          .report("scores/mean", inputs.scalar(SCORE))
          .report("logps/mean", policy.sum().value());
    }
    return perClass(inputs, logProb, reward).plus(UnpairedMetrics.of(inputs, reward.value()));
  }

  private RowLoss perClass(RowInputs inputs, Scalar logProb, Scalar reward) {
    if (!UnpairedMetrics.isDesirable(inputs)) {
      return RowLoss.perLabel(0, reward.negated().logSigmoid().negated());
    }
    return RowLoss.perLabel(
        1, loss == Loss.ULMA ? logProb.negated() : reward.logSigmoid().negated());
  }
}

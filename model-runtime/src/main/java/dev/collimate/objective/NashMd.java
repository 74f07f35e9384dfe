package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Nash mirror descent (Munos et al. 2023, arXiv:2312.00886, section 7): the policy's completion
 * plays against one of the geometric mixture of policy and reference, and is reinforced by how
 * probably it wins. As TRL's NashMDTrainer, whose preference is {@code sigmoid(score - score of the
 * mixture's)}.
 */
final class NashMd implements OnlinePairs {

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "nash_md",
              "beta * sum_t sg(logp_t - ref_t) * logp_t - (p - 0.5) * logp, p = sigmoid(score -"
                  + " score of the mixture's completion)",
              "Nash-MD, Munos et al. 2023, arXiv:2312.00886, as TRL has it",
              List.of(
                  Pairs.beta(0.1),
                  ObjectiveOption.number(
                      "mixture_coef",
                      0.5,
                      ">= 0 and <= 1",
                      "Share of the reference's logits in the mixture that writes the opponent."),
                  OnlinePair.MISSING_EOS_PENALTY),
              NashMd::new)
          .withLimits(
              "mixture_coef: 0 plays against the policy itself, 1 against the reference alone");

  /** Numbers of a row. */
  private static final int PROBABILITY = 0;

  private static final int SCORE = 1;
  private static final int MIXTURE_SCORE = 2;

  private final double beta;
  private final double mixtureCoefficient;
  private final double missingEosPenalty;

  private NashMd(Options options) {
    beta = options.number("beta");
    mixtureCoefficient = options.number("mixture_coef");
    missingEosPenalty = OnlinePair.missingEosPenalty(options);
  }

  @Override
  public Declaration declaration() {
    return Declaration.of(SPEC.name(), COMPLETION)
        .withShape(RowShape.PROMPT)
        .withQuantities(Quantity.ENTROPY)
        .withReference(ReferenceUse.TOKENS);
  }

  @Override
  public double referenceShare(int sample) {
    return sample == 1 ? mixtureCoefficient : 0;
  }

  @Override
  public Assessment assess(Judged rollout) {
    List<Assessment.Row> rows = new ArrayList<>();
    for (OnlinePair pair : OnlinePair.of(rollout, missingEosPenalty)) {
      double probability =
          Scalar.constant(pair.firstScore() - pair.secondScore()).sigmoid().value();
      rows.add(
          new Assessment.Row(
              Map.of(COMPLETION, pair.first()),
              pair.isJudged(),
              probability,
              pair.firstScore(),
              pair.secondScore()));
    }
    List<RowLoss.Metric> metrics = OnlinePair.metrics(rollout);
    metrics.addAll(OnlinePair.endedByWriter(rollout));
    return new Assessment(rows, metrics);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs policy = inputs.policy(COMPLETION);
    float[] reference = inputs.referenceTokens(COMPLETION);
    List<Scalar> penalties = new ArrayList<>();
    double kl = 0;
    double ofReference = 0;
    for (int t = 0; t < reference.length; t++) {
      double logRatio = policy.value(t) - reference[t];
      penalties.add(policy.token(t).times(logRatio));
      kl += logRatio;
      ofReference += reference[t];
    }
    double probability = inputs.given(PROBABILITY);
    Scalar logProb = policy.sum();
    Scalar score = logProb.times(probability - 0.5);
    return RowLoss.perRow(Scalar.sum(penalties).times(beta).minus(score))
        .report("loss/score", score.value())
        .report("loss/kl", kl)
        .report("logps/chosen", logProb.value())
        .report("logps/rejected", ofReference)
        .report("rewards/chosen", inputs.given(SCORE))
        .report("rewards/rejected", inputs.given(MIXTURE_SCORE))
        .report("rewards/probabilities", probability)
        .report("rewards/margins", kl)
        .report("rewards/accuracies", kl > 0 ? 1 : 0)
        .report("objective/entropy", -logProb.value())
        .report("entropy", inputs.total(COMPLETION, Quantity.ENTROPY), policy.count())
        .report("beta", beta)
        .report("mixture_coef", mixtureCoefficient);
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * DPO on pairs that are made while training: of two completions of a prompt the one with more
 * reward is chosen, the first where both have as much. The policy writes both (online DPO, Guo et
 * al. 2024, arXiv:2402.04792), or one of them the reference, whose probability is then pushed down
 * (XPO, Xie et al. 2024, arXiv:2405.21046, algorithm 1). As TRL's OnlineDPOTrainer and XPOTrainer;
 * TRL's XPO reports the reference's log-probabilities with the policy's under {@code logps/}, here
 * they are the policy's.
 */
final class OnlineDpo implements OnlinePairs {

  private static final ObjectiveOption LOSS_TYPE =
      GrpoOptions.choice(
          "loss_type", List.of("sigmoid", "ipo"), "Which loss of the pair; see the formula.");

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "online_dpo",
              "-logsigmoid(beta * M), M = (logp_c - ref_c) - (logp_r - ref_r), of two completions"
                  + " of the policy; ipo: (M - 1 / (2 * beta))^2",
              "Online DPO, Guo et al. 2024, arXiv:2402.04792, as TRL has it",
              List.of(Pairs.beta(0.1), LOSS_TYPE, OnlinePair.MISSING_EOS_PENALTY),
              options -> new OnlineDpo(options, Second.POLICY))
          .withLimits(
              "loss_type: sigmoid is dpo on the pairs of the step, ipo is not dpo's, which takes"
                  + " means over tokens");

  static final ObjectiveSpec XPO =
      new ObjectiveSpec(
              "xpo",
              "-logsigmoid(beta * M) + alpha * logp_2, M = (logp_c - ref_c) - (logp_r - ref_r), of"
                  + " a completion of the policy and a second of the reference; ipo: (M - 1 / (2 *"
                  + " beta))^2 instead",
              "XPO, Xie et al. 2024, arXiv:2405.21046, as TRL has it",
              List.of(
                  Pairs.beta(0.1),
                  LOSS_TYPE,
                  ObjectiveOption.number(
                      "alpha",
                      1e-5,
                      ">= 0",
                      "Weight of the log-probability of the reference's completion."),
                  OnlinePair.MISSING_EOS_PENALTY),
              options -> new OnlineDpo(options, Second.REFERENCE))
          .withLimits("alpha: 0 is online_dpo against the reference's completions");

  /** Who writes the second completion. */
  private enum Second {
    POLICY,
    REFERENCE
  }

  /** Numbers of a row. */
  private static final int CHOSEN_SCORE = 0;

  private static final int REJECTED_SCORE = 1;
  private static final int IS_FIRST_CHOSEN = 2;

  private final Second second;
  private final double beta;
  private final boolean isIpo;
  private final double alpha;
  private final double missingEosPenalty;

  private OnlineDpo(Options options, Second second) {
    this.second = second;
    beta = options.number("beta");
    isIpo = options.text("loss_type").equals("ipo");
    alpha = isXpo() ? options.number("alpha") : 0;
    missingEosPenalty = OnlinePair.missingEosPenalty(options);
  }

  private boolean isXpo() {
    return second == Second.REFERENCE;
  }

  @Override
  public Declaration declaration() {
    return Declaration.of(isXpo() ? XPO.name() : SPEC.name(), Pairs.CHOSEN, Pairs.REJECTED)
        .withShape(RowShape.PROMPT)
        .withQuantities(Quantity.MEAN_LOGIT)
        .withReference(ReferenceUse.SUMS);
  }

  @Override
  public double referenceShare(int sample) {
    return isXpo() && sample == 1 ? 1 : 0;
  }

  @Override
  public Assessment assess(Judged rollout) {
    List<Assessment.Row> rows = new ArrayList<>();
    List<RowLoss.Metric> metrics = OnlinePair.metrics(rollout);
    for (OnlinePair pair : OnlinePair.of(rollout, missingEosPenalty)) {
      boolean isFirstChosen = pair.firstScore() >= pair.secondScore();
      int chosen = isFirstChosen ? pair.first() : pair.second();
      int rejected = isFirstChosen ? pair.second() : pair.first();
      double chosenScore = Math.max(pair.firstScore(), pair.secondScore());
      double rejectedScore = Math.min(pair.firstScore(), pair.secondScore());
      rows.add(
          new Assessment.Row(
              Map.of(Pairs.CHOSEN, chosen, Pairs.REJECTED, rejected),
              pair.isJudged(),
              chosenScore,
              rejectedScore,
              isFirstChosen ? 1 : 0));
      if (pair.isJudged()) {
        metrics.addAll(isXpo() ? xpoScores(pair) : scores(chosenScore, rejectedScore));
      }
    }
    metrics.addAll(
        isXpo() ? OnlinePair.endedByWriter(rollout) : List.of(OnlinePair.ended(rollout)));
    return new Assessment(rows, metrics);
  }

  private static List<RowLoss.Metric> scores(double chosen, double rejected) {
    return List.of(
        new RowLoss.Metric("objective/scores", chosen + rejected, 2),
        new RowLoss.Metric("objective/scores_margin", chosen - rejected, 1));
  }

  private static List<RowLoss.Metric> xpoScores(OnlinePair pair) {
    return List.of(
        new RowLoss.Metric("objective/model_scores", pair.firstScore(), 1),
        new RowLoss.Metric("objective/ref_scores", pair.secondScore(), 1),
        new RowLoss.Metric("objective/scores_margin", pair.firstScore() - pair.secondScore(), 1));
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar margin = Pairs.margin(inputs);
    Scalar ofPair =
        isIpo ? margin.minus(1 / (2 * beta)).squared() : margin.times(beta).logSigmoid().negated();
    boolean isFirstChosen = inputs.given(IS_FIRST_CHOSEN) == 1;
    Scalar ofSecond =
        inputs.policy(isFirstChosen ? Pairs.REJECTED : Pairs.CHOSEN).sum().times(alpha);
    RowLoss row =
        RowLoss.perRow(isXpo() ? ofPair.plus(ofSecond) : ofPair)
            .plus(Pairs.metrics(inputs, beta))
            .report("beta", beta);
    double kl = inputs.logRatio(Pairs.CHOSEN).value() + inputs.logRatio(Pairs.REJECTED).value();
    double logProbs =
        inputs.policy(Pairs.CHOSEN).sum().value() + inputs.policy(Pairs.REJECTED).sum().value();
    row = row.report("objective/kl", kl, 2).report("objective/entropy", -logProbs, 2);
    if (isXpo()) {
      return row.report("loss/dpo", ofPair.value())
          .report("loss/xpo", ofSecond.value())
          .report("alpha", alpha);
    }
    double scores = inputs.given(CHOSEN_SCORE) + inputs.given(REJECTED_SCORE);
    return row.report("objective/non_score_reward", -beta * kl, 2)
        .report("objective/rlhf_reward", scores - beta * kl, 2);
  }
}

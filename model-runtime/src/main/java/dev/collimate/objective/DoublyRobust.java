package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.FurtherSequence;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Doubly robust alignment (Xu et al. 2025, arXiv:2506.01183; the authors' DRPO4LLM), which learns
 * from logged pairs and from completions of the policy. The gradient is right where either the
 * reward model is right, or the reference is the model that wrote the pairs.
 *
 * <p>A group is the completions of a prompt, then the chosen and the rejected answer. With {@code
 * g(a, b) = sigmoid(r(a) - r(b))} of the rewards r, the loss of a prompt is
 *
 * <p>{@code -mean_j sg(clip(policy(y_j) / ref(y_j), 1/c, c) * (Z_j - g(y_j, other))) * logp(y_j)}
 * over its two answers, Z = 1 of the chosen one and 0 of the other;
 *
 * <p>{@code -mean_i sg(mean_j g(y*_i, y_j) - 1/2) * logp(y*_i)} over its completions y*; and
 *
 * <p>{@code beta * mean_i sum_t (e^q - q - 1)}, q = ref - logp of a completion's token.
 */
final class DoublyRobust implements Online {

  private static final String CHOSEN = "chosen";
  private static final String REJECTED = "rejected";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "drpo",
              "-mean of sg(clip(policy / ref, 1/ratio_clip, ratio_clip) * (Z - g(y, other))) * logp"
                  + " over chosen (Z = 1) and rejected (Z = 0) - mean of sg(g(y*, y) - 1/2) * logp +"
                  + " beta * sum of (e^q - q - 1) over completions y*; g = sigmoid(r - r), q = ref -"
                  + " logp",
              "Doubly robust alignment, arXiv:2506.01183, as its authors' DRPO4LLM (experimental)",
              List.of(
                  GrpoOptions.choice(
                      "estimator",
                      List.of("dr", "ips", "dm"),
                      "Both terms; the answers' alone with g = 1/2 (`ips`); the completions' alone"
                          + " (`dm`)."),
                  ObjectiveOption.number(
                      "n_rollouts",
                      2.0,
                      ">= 1",
                      "Completions of a prompt; a group has its two answers too."),
                  ObjectiveOption.number(
                      "ratio_clip",
                      10.0,
                      ">= 1",
                      "Bound c of an answer's ratio, and of 1 over it."),
                  ObjectiveOption.number(
                      "beta", 0.04, ">= 0", "Strength of the KL penalty on completions.")),
              DoublyRobust::new)
          .withNormalisation("mean over prompts")
          .withLimits(
              "ratio_clip: 1 weighs all answers alike",
              "equal rewards leave the terms of estimator ips")
          .withRules(List.of(GrpoOptions.isWhole("n_rollouts")));

  /** Places of a row's numbers. */
  private static final int COEFFICIENT = 0;

  private static final int PENALTY = 1;
  private static final int IS_ANSWER = 2;

  private static final int ANSWERS = 2;
  private static final double MAX_EXPONENT = 80;

  /** What is learned from. */
  private enum Estimator {
    DR,
    IPS,
    DM
  }

  private final Estimator estimator;
  private final int rollouts;
  private final double ratioClip;
  private final double beta;

  private DoublyRobust(Options options) {
    estimator = Estimator.valueOf(options.text("estimator").toUpperCase(Locale.ROOT));
    rollouts = (int) options.number("n_rollouts");
    ratioClip = options.number("ratio_clip");
    beta = options.number("beta");
  }

  @Override
  public Declaration declaration() {
    return Declaration.of(SPEC.name(), COMPLETION)
        .withShape(RowShape.PROMPT)
        .withAnswers(
            new FurtherSequence(CHOSEN, "{prompt}", CHOSEN),
            new FurtherSequence(REJECTED, "{prompt}", REJECTED))
        .withQuantities(Quantity.ENTROPY)
        .withReference(ReferenceUse.TOKENS);
  }

  @Override
  public Needs needs() {
    return new Needs(
        rollouts + ANSWERS, /* old= */ false, /* values= */ false, /* reference= */ true);
  }

  @Override
  public List<String> answers() {
    return List.of(CHOSEN, REJECTED);
  }

  @Override
  public Sequence sequence(Sampled sampled) {
    return Completions.counted(sampled);
  }

  @Override
  public Assessment assess(Judged rollout) {
    int group = rollouts + ANSWERS;
    Completions.requireGroups(rollout, group);
    double[] rewards = Completions.rewards(rollout);
    List<Assessment.Row> rows = new ArrayList<>();
    double preferred = 0;
    double right = 0;
    double judged = 0;
    for (int from = 0; from < rewards.length; from += group) {
      double chosen = rewards[from + rollouts];
      double rejected = rewards[from + rollouts + 1];
      double preference = preference(chosen, rejected);
      for (int i = 0; i < rollouts; i++) {
        double reward = rewards[from + i];
        double over = (preference(reward, chosen) + preference(reward, rejected)) / 2;
        rows.add(row(over - 0.5, /* perGroup= */ rollouts, /* isAnswer= */ 0));
        if (Double.isFinite(over)) {
          preferred += over;
          judged++;
        }
      }
      double residual = estimator == Estimator.IPS ? 0.5 : 1 - preference;
      rows.add(row(residual, ANSWERS, /* isAnswer= */ 1));
      rows.add(row(-residual, ANSWERS, /* isAnswer= */ 1));
      right += chosen > rejected ? 1 : 0;
    }
    List<RowLoss.Metric> metrics = Completions.rewardMetrics(drawn(rollout));
    metrics.addAll(Completions.lengthMetrics(drawn(rollout)));
    if (judged > 0) {
      metrics.add(new RowLoss.Metric("drpo/preferred", preferred, judged));
    }
    metrics.add(new RowLoss.Metric("drpo/accuracy", right, (double) rewards.length / group));
    return new Assessment(rows, metrics);
  }

  private static double preference(double a, double b) {
    return Scalar.sigmoid(a - b);
  }

  /** Losses are averaged over all rows; a group's are to be averaged over so many of its own. */
  private Assessment.Row row(double coefficient, int perGroup, int isAnswer) {
    Estimator without = isAnswer == 1 ? Estimator.DM : Estimator.IPS;
    double share = (double) (rollouts + ANSWERS) / perGroup;
    boolean isJudged = Double.isFinite(coefficient);
    boolean isTaught = isJudged && estimator != without;
    double[] given = {
      isTaught ? share * coefficient : 0, isAnswer == 1 ? 0 : share * beta, isAnswer
    };
    return new Assessment.Row(isJudged ? 1 : 0, coefficient, given, Map.of(), Map.of());
  }

  /** The rollout without the answers that the rows bring. */
  private Judged drawn(Judged rollout) {
    List<Judged.Completion> drawn = new ArrayList<>();
    for (int i = 0; i < rollout.completions().size(); i++) {
      if (i % (rollouts + ANSWERS) < rollouts) {
        drawn.add(rollout.completions().get(i));
      }
    }
    return new Judged(rollout.rewards(), rollout.weights(), drawn);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs policy = inputs.policy(COMPLETION);
    float[] reference = inputs.referenceTokens(COMPLETION);
    Scalar logProb = policy.sum();
    if (inputs.given(IS_ANSWER) == 1) {
      double logRatio = 0;
      for (int t = 0; t < policy.count(); t++) {
        logRatio += policy.value(t) - reference[t];
      }
      double ratio = StrictMath.exp(Math.min(logRatio, MAX_EXPONENT));
      double held = Math.min(Math.max(ratio, 1 / ratioClip), ratioClip);
      return RowLoss.perRow(logProb.times(-held * inputs.given(COEFFICIENT)))
          .report("drpo/ratio", held)
          .report("drpo/clipped", held == ratio ? 0 : 1);
    }
    List<Scalar> penalties = new ArrayList<>();
    for (int t = 0; t < policy.count(); t++) {
      Scalar q = policy.token(t).negated().plus((double) reference[t]);
      penalties.add(q.heldExp().minus(q).minus(1));
    }
    Scalar kl = Scalar.sum(penalties);
    return RowLoss.perRow(
            logProb.times(-inputs.given(COEFFICIENT)).plus(kl.times(inputs.given(PENALTY))))
        .report("kl", kl.value(), policy.count())
        .report("entropy", inputs.total(COMPLETION, Quantity.ENTROPY), policy.count());
  }
}

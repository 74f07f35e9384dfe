package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.online.Advantages;
import dev.collimate.online.KlEstimate;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * REINFORCE with the other completions of the prompt as the baseline (Ahmadian et al. 2024,
 * arXiv:2402.14740): the completion is one action, and the KL divergence from the reference is part
 * of its reward. As TRL's RLOOTrainer 1.9.
 */
final class Rloo implements Online {

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "rloo",
              "-min(r * A, clamp(r, 1 - epsilon, 1 + epsilon_high) * A), r = policy / old of the"
                  + " completion; A = R - mean R of the prompt's others, R = reward - beta *"
                  + " (old - ref)",
              "RLOO, Ahmadian et al. 2024, arXiv:2402.14740, as TRL 1.9 has it",
              List.of(
                  GrpoOptions.generations(2.0),
                  ObjectiveOption.number(
                      "beta", 0.05, ">= 0", "Strength of the KL penalty in the reward."),
                  PolicyRatio.EPSILON,
                  PolicyRatio.EPSILON_HIGH,
                  ObjectiveOption.numbers(
                      "reward_clip_range",
                      List.of(),
                      "",
                      "Least and greatest reward, before the KL penalty; empty: any."),
                  ObjectiveOption.flag(
                      "normalize_advantages", false, "Normalise the advantages over the rollout."),
                  GrpoOptions.MASK_TRUNCATED),
              Rloo::new)
          .withLimits("num_generations: 2 sets each completion against the other alone")
          .withRules(
              List.of(
                  GrpoOptions.isWhole("num_generations"),
                  new ObjectiveSpec.Rule(
                      "reward_clip_range",
                      "must be a least and a greatest reward, or empty",
                      options -> isRange(options.numbers("reward_clip_range")))));

  private static final int ADVANTAGE = 0;

  private final int generations;
  private final double beta;
  private final PolicyRatio ratio;
  private final List<Double> clipRange;
  private final boolean isNormalized;
  private final boolean masksTruncated;

  private Rloo(Options options) {
    generations = (int) options.number("num_generations");
    beta = options.number("beta");
    ratio = PolicyRatio.of(options);
    clipRange = options.numbers("reward_clip_range");
    isNormalized = options.flag("normalize_advantages");
    masksTruncated = options.flag(GrpoOptions.MASK_TRUNCATED.name());
  }

  private static boolean isRange(List<Double> range) {
    return range.isEmpty() || (range.size() == 2 && range.get(0) <= range.get(1));
  }

  @Override
  public Declaration declaration() {
    return Declaration.of(SPEC.name(), COMPLETION)
        .withShape(RowShape.PROMPT)
        .withQuantities(Quantity.ENTROPY)
        .withReference(beta == 0 ? ReferenceUse.NONE : ReferenceUse.TOKENS);
  }

  @Override
  public Needs needs() {
    return new Needs(
        generations, /* old= */ beta != 0, /* values= */ false, /* reference= */ beta != 0);
  }

  @Override
  public boolean hasTokenLosses() {
    return false;
  }

  @Override
  public Sequence sequence(Sampled sampled) {
    return Completions.of(sampled, masksTruncated);
  }

  @Override
  public Assessment assess(Judged rollout) {
    Completions.requireGroups(rollout, generations);
    double[] rewards = Completions.rewards(rollout);
    double kl = 0;
    double tokens = 0;
    for (int i = 0; i < rewards.length; i++) {
      if (!clipRange.isEmpty()) {
        rewards[i] = Math.min(Math.max(rewards[i], clipRange.get(0)), clipRange.get(1));
      }
      Judged.Completion completion = rollout.completions().get(i);
      double ofRow = 0;
      for (int t = 0; beta != 0 && t < completion.old().length; t++) {
        ofRow += KlEstimate.K1.of(completion.old()[t], completion.reference()[t]);
      }
      rewards[i] -= beta * ofRow;
      kl += ofRow;
      tokens += completion.old().length;
    }
    Advantages all = Advantages.leaveOneOut(rewards, generations);
    Advantages advantages = (isNormalized ? all.normalized() : all).orZero();
    List<Assessment.Row> rows = new ArrayList<>();
    for (double advantage : advantages.values()) {
      rows.add(new Assessment.Row(1, advantage, new double[] {advantage}, Map.of(), Map.of()));
    }
    List<RowLoss.Metric> metrics = Completions.groupMetrics(rollout, advantages);
    if (beta != 0) {
      metrics.add(new RowLoss.Metric("kl", kl, tokens));
    }
    return new Assessment(rows, metrics);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs policy = inputs.policy(COMPLETION);
    double advantage = inputs.given(ADVANTAGE);
    Scalar logProb = policy.sum();
    Scalar ofSequence = logProb.minus(old(inputs, logProb.value())).heldExp();
    double low = ratio.isClippedLow(ofSequence, advantage) ? 1 : 0;
    double high = ratio.isClippedHigh(ofSequence, advantage) ? 1 : 0;
    Scalar loss = ratio.loss(ofSequence, advantage).times(Completions.correction(inputs, 0));
    return RowLoss.perRow(loss)
        .report("entropy", inputs.total(COMPLETION, Quantity.ENTROPY), policy.count())
        .report("clip_ratio/low_mean", low)
        .reportLeast("clip_ratio/low_min", low)
        .report("clip_ratio/high_mean", high)
        .reportGreatest("clip_ratio/high_max", high)
        .report("clip_ratio/region_mean", low + high);
  }

  private static double old(RowInputs inputs, double current) {
    if (!inputs.hasReferenceTokens(OLD)) {
      return current;
    }
    double sum = 0;
    for (float logProb : inputs.referenceTokens(OLD)) {
      sum += logProb;
    }
    return sum;
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.online.KlEstimate;
import dev.collimate.online.Moments;
import dev.collimate.online.TokenRewards;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * REINFORCE++ (Hu et al. 2025, arXiv:2501.03262): PPO's clipped loss without a value model; the
 * advantage of a token is the reward that is still to come, KL penalties included, standardised
 * over all tokens of the rollout. As OpenRLHF's {@code reinforce} and {@code reinforce_baseline}.
 */
final class ReinforcePlusPlus implements Online {

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "reinforce_plus_plus",
              "-min(r * A, clamp(r, 1 - epsilon, 1 + epsilon_high) * A) per token; A = standardised sum"
                  + " of the rewards to come, reward at the end - kl_coef * kl",
              "REINFORCE++, Hu et al. 2025, arXiv:2501.03262, as OpenRLHF has it",
              List.of(
                  GrpoOptions.choice(
                      "baseline",
                      List.of(GrpoOptions.NONE, "group"),
                      "What is subtracted from a completion's reward: nothing, or the mean over its"
                          + " prompt's completions (REINFORCE++-baseline)."),
                  ObjectiveOption.number(
                      "num_generations", 1.0, ">= 1", "Completions of each prompt."),
                  ObjectiveOption.number(
                      "kl_coef", 0.01, ">= 0", "Strength of the KL penalty in the rewards."),
                  Ppo.KL_ESTIMATOR,
                  ObjectiveOption.number(
                      "gamma", 1.0, "> 0 and <= 1", "What a reward is worth a token earlier."),
                  PolicyRatio.EPSILON,
                  PolicyRatio.EPSILON_HIGH,
                  GrpoOptions.MASK_TRUNCATED,
                  CompletionFilter.FILTER,
                  CompletionFilter.TRUTH),
              ReinforcePlusPlus::new)
          .withNormalisation("all tokens of the step")
          .withLimits(
              "kl_coef: 0 with gamma: 1 gives every token of a completion one advantage, as grpo")
          .withRules(
              List.of(
                  GrpoOptions.isWhole("num_generations"),
                  new ObjectiveSpec.Rule(
                      "num_generations",
                      "must be at least 2 with baseline group",
                      options ->
                          options.text("baseline").equals(GrpoOptions.NONE)
                              || options.number("num_generations") >= 2)));

  private static final String ADVANTAGES = "advantages";

  private final int generations;
  private final boolean hasBaseline;
  private final double klCoefficient;
  private final KlEstimate klEstimate;
  private final double gamma;
  private final PolicyRatio ratio;
  private final boolean masksTruncated;
  private final CompletionFilter filter;

  private ReinforcePlusPlus(Options options) {
    generations = (int) options.number("num_generations");
    hasBaseline = options.text("baseline").equals("group");
    klCoefficient = options.number("kl_coef");
    klEstimate = KlEstimate.valueOf(options.text(Ppo.KL_ESTIMATOR.name()).toUpperCase(Locale.ROOT));
    gamma = options.number("gamma");
    ratio = PolicyRatio.of(options);
    masksTruncated = options.flag(GrpoOptions.MASK_TRUNCATED.name());
    filter = CompletionFilter.of(options);
  }

  @Override
  public Declaration declaration() {
    return Declaration.of(SPEC.name(), COMPLETION)
        .withShape(RowShape.PROMPT)
        .withQuantities(Quantity.ENTROPY)
        .withReference(klCoefficient == 0 ? ReferenceUse.NONE : ReferenceUse.TOKENS);
  }

  @Override
  public Needs needs() {
    boolean readsKl = klCoefficient != 0;
    return new Needs(
        generations, /* old= */ readsKl, /* values= */ false, /* reference= */ readsKl);
  }

  @Override
  public Sequence sequence(Sampled sampled) {
    return Completions.of(sampled, masksTruncated);
  }

  @Override
  public Assessment assess(Judged rollout) {
    Completions.requireGroups(rollout, generations);
    double[] weights = filter.weights(rollout, generations);
    double[] rewards = Completions.judgedRewards(rollout, weights);
    List<double[]> toCome = new ArrayList<>();
    double kl = 0;
    for (int i = 0; i < rewards.length; i++) {
      Judged.Completion completion = rollout.completions().get(i);
      int first = i - i % generations;
      double baseline =
          hasBaseline
              ? Moments.of(Arrays.copyOfRange(rewards, first, first + generations)).mean()
              : 0;
      int tokens = sequence(completion.sampled()).countedTokens();
      TokenRewards ofTokens =
          TokenRewards.of(
              rewards[i] - baseline,
              tokens,
              tokens,
              completion.old(),
              completion.reference(),
              klEstimate,
              klCoefficient);
      kl += ofTokens.kl();
      toCome.add(discounted(ofTokens.values()));
    }
    Moments all = Moments.of(toCome);
    List<Assessment.Row> rows = new ArrayList<>();
    for (int i = 0; i < rewards.length; i++) {
      // A completion that could not be judged, or was filtered out, teaches nothing.
      double weight = Double.isNaN(rewards[i]) ? 0 : weights[i];
      float[] advantages = new float[toCome.get(i).length];
      double sum = 0;
      for (int t = 0; weight > 0 && t < advantages.length; t++) {
        double advantage = all.standardized(toCome.get(i)[t]);
        advantages[t] = (float) advantage;
        sum += advantage;
      }
      rows.add(
          new Assessment.Row(
              weight,
              advantages.length == 0 ? 0 : sum / advantages.length,
              new double[0],
              Map.of(ADVANTAGES, advantages),
              Map.of()));
    }
    List<RowLoss.Metric> metrics = Completions.rewardMetrics(rollout);
    metrics.addAll(Completions.lengthMetrics(rollout));
    metrics.addAll(filter.metrics(rollout, generations));
    if (klCoefficient != 0) {
      metrics.add(new RowLoss.Metric("objective/kl", kl, rewards.length));
    }
    return new Assessment(rows, metrics);
  }

  private double[] discounted(double[] rewards) {
    double[] sums = rewards.clone();
    for (int t = sums.length - 2; t >= 0; t--) {
      sums[t] += gamma * sums[t + 1];
    }
    return sums;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs policy = inputs.policy(COMPLETION);
    float[] advantages = inputs.referenceTokens(ADVANTAGES);
    List<Scalar> losses = new ArrayList<>();
    double clipped = 0;
    for (int t = 0; t < policy.count(); t++) {
      double old =
          inputs.hasReferenceTokens(OLD) ? inputs.referenceTokens(OLD)[t] : policy.value(t);
      Scalar ofToken = policy.token(t).minus(old).heldExp();
      losses.add(ratio.loss(ofToken, advantages[t]).times(Completions.correction(inputs, t)));
      boolean isClipped =
          ratio.isClippedLow(ofToken, advantages[t]) || ratio.isClippedHigh(ofToken, advantages[t]);
      clipped += isClipped ? 1 : 0;
    }
    return RowLoss.perToken(COMPLETION, Scalar.sum(losses))
        .report("entropy", inputs.total(COMPLETION, Quantity.ENTROPY), policy.count())
        .report("clip_ratio/region_mean", clipped, policy.count());
  }
}

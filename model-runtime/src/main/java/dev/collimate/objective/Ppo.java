package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.online.Gae;
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
 * Proximal policy optimization (Schulman et al. 2017, arXiv:1707.06347) with a value of every
 * token, as TRL's PPOTrainer: {@code policy loss + vf_coef * value loss}, both clipped, advantages
 * by GAE from rewards with a KL penalty.
 *
 * <p>As in TRL since 0.12, a completion that is shorter than the most it may have has one position
 * more than tokens: the state after its end, which has a value and bears the score. Its token is
 * there for the value alone; its log-probability is not read.
 */
final class Ppo implements Online {

  static final ObjectiveOption KL_ESTIMATOR =
      GrpoOptions.choice(
          "kl_estimator",
          List.of("k1", "k3", "abs", "mse"),
          "Estimate of the KL divergence at a token: the log-ratio, the unbiased one that is never"
              + " negative, its absolute value, half its square.");

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "ppo",
              "-min(r * A, clamp(r, 1 - cliprange, 1 + cliprange) * A) + vf_coef * max((V - G)^2,"
                  + " (clamp(V, old V - cliprange_value, old V + cliprange_value) - G)^2) / 2 per"
                  + " token",
              "PPO, Schulman et al. 2017, arXiv:1707.06347, as TRL has it",
              List.of(
                  ObjectiveOption.number(
                      "kl_coef", 0.05, ">= 0", "Strength of the KL penalty in the rewards."),
                  KL_ESTIMATOR,
                  ObjectiveOption.number("cliprange", 0.2, ">= 0", "Clip of the ratio."),
                  ObjectiveOption.number(
                      "vf_coef", 0.1, ">= 0", "Weight of the value loss beside the policy's."),
                  ObjectiveOption.number(
                      "cliprange_value", 0.2, ">= 0", "How far a value counts from the old one."),
                  ObjectiveOption.number(
                      "gamma", 1.0, "> 0 and <= 1", "What a reward is worth a token earlier."),
                  ObjectiveOption.number(
                      "lam", 0.95, ">= 0 and <= 1", "GAE's lambda: 0 trusts the values, 1 none."),
                  ObjectiveOption.flag(
                      "whiten_rewards", false, "Divide rewards by their deviation."),
                  ObjectiveOption.numberOr(
                      "missing_eos_penalty",
                      GrpoOptions.NONE,
                      "> 0",
                      "Subtracted from the score of a completion that was cut."),
                  ObjectiveOption.flag(
                      "value_after_end",
                      true,
                      "The state after the end has a value and bears the score; without it the last"
                          + " token does, as in TRL before 0.12."),
                  ObjectiveOption.number(
                      "num_generations", 1.0, ">= 1", "Completions of each prompt."),
                  CompletionFilter.FILTER,
                  CompletionFilter.TRUTH),
              Ppo::new)
          .withNormalisation("policy: all tokens of the step; values: all positions with one")
          .withLimits(
              "vf_coef: 0 leaves the values as they are",
              "gamma: 1 with lam: 1 has advantages that are the reward to come less the value")
          .withRules(List.of(GrpoOptions.isWhole("num_generations")));

  /** Roles of a row's numbers by token. */
  private static final String ADVANTAGES = "advantages";

  private static final String RETURNS = "returns";
  private static final String VALUES = "values";

  /** Counts the tokens without the position after them. */
  private static final String TOKENS = "tokens";

  /** The mean of the completions' mean ratios. */
  private static final String COMPLETION_RATIO = "val/completion_ratio";

  /** Of a row: the square of its mean ratio; {@link #summary} makes the variance of it. */
  private static final String RATIO_VARIANCE = "val/ratio_var";

  private final double klCoefficient;
  private final KlEstimate klEstimate;
  private final PolicyRatio ratio;
  private final double valueCoefficient;
  private final double valueClip;
  private final double gamma;
  private final double lambda;
  private final boolean whitensRewards;
  private final double missingEosPenalty;
  private final boolean hasValueAfterEnd;
  private final int generations;
  private final CompletionFilter filter;

  private Ppo(Options options) {
    klCoefficient = options.number("kl_coef");
    klEstimate = KlEstimate.valueOf(options.text("kl_estimator").toUpperCase(Locale.ROOT));
    ratio = new PolicyRatio(options.number("cliprange"), options.number("cliprange"));
    valueCoefficient = options.number("vf_coef");
    valueClip = options.number("cliprange_value");
    gamma = options.number("gamma");
    lambda = options.number("lam");
    whitensRewards = options.flag("whiten_rewards");
    missingEosPenalty =
        GrpoOptions.numberOr(options, "missing_eos_penalty", GrpoOptions.NONE, /* instead= */ 0);
    hasValueAfterEnd = options.flag("value_after_end");
    generations = (int) options.number("num_generations");
    filter = CompletionFilter.of(options);
  }

  @Override
  public Declaration declaration() {
    return Declaration.of(SPEC.name(), COMPLETION)
        .withShape(RowShape.PROMPT)
        .withQuantities(Quantity.ENTROPY)
        .withLearned(Quantity.VALUE)
        .withReference(klCoefficient == 0 ? ReferenceUse.NONE : ReferenceUse.TOKENS);
  }

  @Override
  public Needs needs() {
    return new Needs(
        generations, /* old= */ true, /* values= */ true, /* reference= */ klCoefficient != 0);
  }

  @Override
  public Sequence sequence(Sampled sampled) {
    Sequence tokens = Completions.counted(sampled);
    return positions(sampled) == sampled.completion().length
        ? tokens
        : Completions.withStateAfter(tokens);
  }

  /** How many positions have a value. */
  private int positions(Sampled sampled) {
    int tokens = sampled.completion().length;
    return hasValueAfterEnd && tokens < sampled.maxCompletionLength() ? tokens + 1 : tokens;
  }

  @Override
  public Assessment assess(Judged rollout) {
    Completions.requireGroups(rollout, generations);
    double[] weights = filter.weights(rollout, generations);
    double[] scores = Completions.judgedRewards(rollout, weights);
    List<TokenRewards> rewards = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      Judged.Completion completion = rollout.completions().get(i);
      scores[i] -= completion.sampled().ended() ? 0 : missingEosPenalty;
      rewards.add(
          TokenRewards.of(
              scores[i],
              completion.tokens(),
              positions(completion.sampled()),
              completion.old(),
              completion.reference(),
              klEstimate,
              klCoefficient));
    }
    List<Gae> estimates = estimates(rollout, rewards, scores);
    List<double[]> ofTokens = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      if (!Double.isNaN(scores[i])) {
        ofTokens.add(
            Arrays.copyOf(estimates.get(i).advantages(), rollout.completions().get(i).tokens()));
      }
    }
    Moments all = Moments.of(ofTokens);
    List<Assessment.Row> rows = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      double weight = Double.isNaN(scores[i]) ? 0 : weights[i];
      rows.add(row(rollout.completions().get(i), weight, estimates.get(i), all));
    }
    return new Assessment(rows, metrics(rollout, rewards, scores));
  }

  private List<Gae> estimates(Judged rollout, List<TokenRewards> rewards, double[] scores) {
    List<double[]> judged = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      if (!Double.isNaN(scores[i])) {
        judged.add(rewards.get(i).values());
      }
    }
    Moments moments = Moments.of(judged);
    List<Gae> estimates = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      double[] ofRow = rewards.get(i).values();
      double[] scaled =
          whitensRewards ? Arrays.stream(ofRow).map(moments::rescaled).toArray() : ofRow;
      estimates.add(Gae.of(scaled, widen(rollout.completions().get(i).values()), gamma, lambda));
    }
    return estimates;
  }

  private static Assessment.Row row(
      Judged.Completion completion, double weight, Gae estimate, Moments all) {
    int positions = estimate.advantages().length;
    float[] advantages = new float[positions];
    float[] returns = new float[positions];
    double sum = 0;
    for (int t = 0; weight > 0 && t < positions; t++) {
      double advantage = t < completion.tokens() ? all.whitened(estimate.advantages()[t]) : 0;
      advantages[t] = (float) advantage;
      returns[t] = (float) estimate.returns()[t];
      sum += advantage;
    }
    return new Assessment.Row(
        weight,
        completion.tokens() == 0 ? 0 : sum / completion.tokens(),
        new double[] {completion.tokens()},
        Map.of(ADVANTAGES, advantages, RETURNS, returns, VALUES, completion.values()),
        Map.of(TOKENS, completion.tokens()));
  }

  private List<RowLoss.Metric> metrics(
      Judged rollout, List<TokenRewards> rewards, double[] scores) {
    double kl = 0;
    double entropy = 0;
    double ended = 0;
    for (int i = 0; i < scores.length; i++) {
      Judged.Completion completion = rollout.completions().get(i);
      kl += rewards.get(i).kl();
      for (int t = 0; t < completion.tokens(); t++) {
        entropy -= completion.old()[t];
      }
      ended += completion.sampled().ended() ? 1 : 0;
    }
    int count = scores.length;
    double penalty = -klCoefficient * kl;
    Moments ofScores = Moments.of(scores);
    List<RowLoss.Metric> metrics = Completions.rewardMetrics(rollout);
    metrics.addAll(Completions.lengthMetrics(rollout));
    metrics.addAll(filter.metrics(rollout, generations));
    metrics.add(new RowLoss.Metric("objective/kl", kl, count));
    metrics.add(new RowLoss.Metric("objective/entropy", entropy, count));
    metrics.add(new RowLoss.Metric("objective/non_score_reward", penalty, count));
    if (ofScores.count() > 0) {
      metrics.add(new RowLoss.Metric("objective/scores", ofScores.mean(), 1));
      metrics.add(
          new RowLoss.Metric("objective/rlhf_reward", ofScores.mean() + penalty / count, 1));
    }
    metrics.add(new RowLoss.Metric("val/num_eos_tokens", ended, 1));
    return metrics;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    return policyLoss(inputs).plus(valueLoss(inputs));
  }

  private RowLoss policyLoss(RowInputs inputs) {
    TokenLogProbs policy = inputs.policy(COMPLETION);
    float[] advantages = inputs.referenceTokens(ADVANTAGES);
    float[] old = inputs.referenceTokens(OLD);
    int tokens = (int) inputs.given(0);
    List<Scalar> losses = new ArrayList<>();
    double ratios = 0;
    double squares = 0;
    double clipped = 0;
    double entropy = 0;
    for (int t = 0; t < tokens; t++) {
      Scalar logRatio = policy.token(t).minus((double) old[t]);
      Scalar ofToken = logRatio.heldExp();
      losses.add(ratio.loss(ofToken, advantages[t]).times(Completions.correction(inputs, t)));
      ratios += ofToken.value();
      squares += logRatio.value() * logRatio.value();
      boolean isClipped =
          ratio.isClippedLow(ofToken, advantages[t]) || ratio.isClippedHigh(ofToken, advantages[t]);
      clipped += isClipped ? 1 : 0;
      entropy += inputs.quantity(COMPLETION, Quantity.ENTROPY)[t];
    }
    Scalar sum = Scalar.sum(losses);
    RowLoss row = RowLoss.perToken(TOKENS, sum);
    if (tokens == 0) {
      return row;
    }
    double mean = ratios / tokens;
    return row.report("loss/policy_avg", sum.value(), tokens)
        .report("policy/clipfrac_avg", clipped, tokens)
        .report("policy/approxkl_avg", 0.5 * squares, tokens)
        .report("policy/entropy_avg", entropy, tokens)
        .report("val/ratio", ratios, tokens)
        .report(COMPLETION_RATIO, mean)
        .report(RATIO_VARIANCE, mean * mean);
  }

  /** The variance of the completions' mean ratios, as TRL's with one completion at a time. */
  @Override
  public Map<String, Double> summary(Map<String, Double> means) {
    Double mean = means.get(COMPLETION_RATIO);
    return mean == null
        ? Map.of()
        : Map.of(RATIO_VARIANCE, Math.max(means.get(RATIO_VARIANCE) - mean * mean, 0));
  }

  private RowLoss valueLoss(RowInputs inputs) {
    TokenLogProbs values = inputs.variable(COMPLETION, Quantity.VALUE);
    float[] returns = inputs.referenceTokens(RETURNS);
    float[] old = inputs.referenceTokens(VALUES);
    List<Scalar> losses = new ArrayList<>();
    double clipped = 0;
    for (int t = 0; t < values.count(); t++) {
      Scalar value = values.token(t);
      Scalar free = value.minus((double) returns[t]).squared();
      Scalar held =
          value.clamp(old[t] - valueClip, old[t] + valueClip).minus((double) returns[t]).squared();
      losses.add(free.max(held));
      clipped += held.value() > free.value() ? 1 : 0;
    }
    Scalar sum = Scalar.sum(losses).times(0.5);
    return RowLoss.perToken(COMPLETION, sum.times(valueCoefficient))
        .report("loss/value_avg", sum.value(), values.count())
        .report("val/clipfrac_avg", clipped, values.count());
  }

  private static double[] widen(float[] values) {
    double[] wide = new double[values.length];
    for (int t = 0; t < wide.length; t++) {
      wide[t] = values[t];
    }
    return wide;
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.EntropyControl.Setting;
import dev.collimate.objective.GrpoOptions.LossType;
import dev.collimate.online.Advantages;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Group relative policy optimization (Shao et al. 2024, arXiv:2402.03300) and the losses that came
 * of it, as TRL's GRPOTrainer 1.9 computes them. Active tokens are counted over the whole global
 * batch, so that bnpo is dapo here.
 */
final class Grpo implements Online {

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
          "grpo",
          "-min(r * A, clamp(r, 1 - epsilon, 1 + epsilon_high) * A) + beta * (e^d - d - 1) per"
              + " token; r = policy / old, d = ref - logp. cispo: -sg(min(r, epsilon_high)) * A *"
              + " logp; sapo: -4 / t * sigmoid(t * (r - 1)) * A; vespo: -sg(e^l * w^k * e^(-l *"
              + " w)) * A * logp, w = r of the completion",
          "GRPO, Shao et al. 2024, arXiv:2402.03300; dapo arXiv:2503.14476, dr_grpo"
              + " arXiv:2503.20783, bnpo, cispo arXiv:2506.13585, sapo, luspo, vespo, and GSPO"
              + " arXiv:2507.18071, as TRL 1.9 has them",
          "dapo, bnpo, cispo, vespo: all tokens of the step; grpo, sapo: mean over the tokens of a"
              + " row, then over rows; luspo: sum over the tokens of a row, mean over rows; dr_grpo:"
              + " the same over max_completion_length",
          List.of(
              "loss_type: bnpo is dapo, since tokens are counted over the whole step",
              "with one optimizer step for each rollout the ratio is 1 and nothing is clipped",
              "importance_sampling_level: sequence with completions of one token is token"),
          GrpoOptions.OPTIONS,
          GrpoOptions.RULES,
          Grpo::new);

  private static final int ADVANTAGE = 0;
  private static final int MAX_LENGTH = 1;

  /** Bounds of vespo's log-ratios, its authors'. */
  private static final double LEAST_LOG_RATIO = StrictMath.log(1e-8);

  private static final double GREATEST_LOG_RATIO = 20;

  private final GrpoOptions options;
  private final EntropyControl entropy;

  private Grpo(Options given) {
    options = GrpoOptions.of(given);
    entropy = options.entropy();
  }

  @Override
  public Declaration declaration() {
    return entropy.declared(
        Declaration.of(SPEC.name(), COMPLETION)
            .withShape(RowShape.PROMPT)
            .withQuantities(Quantity.ENTROPY)
            .withReference(options.beta() == 0 ? ReferenceUse.NONE : ReferenceUse.TOKENS));
  }

  @Override
  public List<String> warnings() {
    return options.lossType() == LossType.CISPO && options.epsilonHigh() < 1
        ? List.of(
            "objective.epsilon_high: with loss_type cispo the ratio is held at %s itself; usual is 5"
                .formatted(options.epsilonHigh()))
        : List.of();
  }

  @Override
  public Needs needs() {
    return new Needs(
        options.generations(),
        /* old= */ false,
        /* values= */ false,
        /* reference= */ options.beta() != 0);
  }

  @Override
  public Sequence sequence(Sampled sampled) {
    return Completions.of(sampled, options.masksTruncated());
  }

  @Override
  public Assessment assess(Judged rollout) {
    Completions.requireGroups(rollout, options.generations());
    double[] weights = options.filter().weights(rollout, options.generations());
    double[][] rewards = new double[weights.length][];
    for (int i = 0; i < weights.length; i++) {
      rewards[i] = rollout.completions().get(i).rewards().clone();
      if (weights[i] == 0) {
        Arrays.fill(rewards[i], Double.NaN);
      }
    }
    double[] ofFunctions = Completions.weights(rollout);
    Advantages advantages =
        options.isNormalizedFirst()
            ? Advantages.normalizedThenSummed(rewards, ofFunctions, options.generations())
            : Advantages.grouped(
                Advantages.weightedSum(rewards, ofFunctions),
                options.generations(),
                options.scale());
    List<Assessment.Row> rows = new ArrayList<>();
    for (int i = 0; i < weights.length; i++) {
      double advantage = advantages.values()[i];
      int maxLength = rollout.completions().get(i).sampled().maxCompletionLength();
      double[] given = {advantage, maxLength};
      rows.add(new Assessment.Row(weights[i], advantage, given, Map.of(), Map.of()));
    }
    List<RowLoss.Metric> metrics = Completions.groupMetrics(rollout, advantages);
    metrics.addAll(options.filter().metrics(rollout, options.generations()));
    return new Assessment(rows, metrics);
  }

  @Override
  public double[] gather(RowInputs inputs) {
    return entropy.gather(inputs);
  }

  @Override
  public StepPlan plan(GlobalBatch batch) {
    return entropy.plan(batch);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Setting setting = entropy.setting(inputs);
    Tokens tokens = new Tokens(inputs);
    float[] entropies = inputs.quantity(COMPLETION, Quantity.ENTROPY);
    List<Scalar> losses = new ArrayList<>();
    double kl = 0;
    for (int t = 0; t < tokens.count; t++) {
      boolean isKept = !tokens.isOffPolicy && entropies[t] >= setting.threshold();
      Scalar loss = isKept ? tokens.correctedLoss(t) : Scalar.constant(0);
      if (options.beta() != 0) {
        Scalar penalty = tokens.kl(t);
        kl += penalty.value();
        loss = loss.plus(penalty.times(options.beta()));
      }
      losses.add(loss);
    }
    RowLoss policy = normalized(Scalar.sum(losses), tokens.count, inputs);
    RowLoss row = policy;
    if (entropy.hasBonus()) {
      double loss = policy.terms().get(0).loss().value();
      double weight = options.lossType().isPerToken() ? tokens.count : 1;
      row =
          policy
              .plus(entropy.bonus(inputs, setting, options.lossType().isPerToken()))
              .report("policy_loss", loss, weight);
    }
    row = row.report("entropy", inputs.total(COMPLETION, Quantity.ENTROPY), tokens.count);
    if (options.beta() != 0) {
      row = row.report("kl", kl, tokens.count);
    }
    return tokens.count == 0 ? row : tokens.report(row);
  }

  private RowLoss normalized(Scalar sum, int tokens, RowInputs inputs) {
    return switch (options.lossType()) {
      case DAPO, BNPO, CISPO, VESPO -> RowLoss.perToken(COMPLETION, sum);
      case GRPO, SAPO -> RowLoss.perRow(sum.dividedBy(Math.max(tokens, 1)));
      case DR_GRPO -> RowLoss.perRow(sum.dividedBy(inputs.given(MAX_LENGTH)));
      case LUSPO -> RowLoss.perRow(sum);
    };
  }

  /** A completion's tokens under the policy, the old policy and the reference. */
  private final class Tokens {
    private final RowInputs inputs;
    private final TokenLogProbs policy;
    private final int count;
    private final double advantage;
    private final List<Scalar> logRatios = new ArrayList<>();
    private final List<Scalar> ratios = new ArrayList<>();
    private final boolean isOffPolicy;
    private final double softWeight;

    Tokens(RowInputs inputs) {
      this.inputs = inputs;
      policy = inputs.policy(COMPLETION);
      count = policy.count();
      advantage = inputs.given(ADVANTAGE);
      for (int t = 0; t < count; t++) {
        logRatios.add(policy.token(t).minus(old(t)));
      }
      Scalar mean = Scalar.sum(logRatios).dividedBy(Math.max(count, 1));
      if (options.isBySequence()) {
        Scalar ofSequence = mean.heldExp();
        logRatios.forEach(each -> ratios.add(ofSequence));
      } else {
        logRatios.forEach(each -> ratios.add(each.heldExp()));
      }
      isOffPolicy = advantage < 0 && drift(mean.value()) > options.offPolicyThreshold();
      softWeight = options.lossType() == LossType.VESPO ? gammaWeight() : Double.NaN;
    }

    private double old(int t) {
      return inputs.hasReferenceTokens(OLD) ? inputs.referenceTokens(OLD)[t] : policy.value(t);
    }

    /** How many nats a token the policy is below the sampler, on the whole. */
    private double drift(double meanLogRatio) {
      if (!inputs.hasReferenceTokens(SAMPLER)) {
        return -meanLogRatio;
      }
      float[] sampler = inputs.referenceTokens(SAMPLER);
      double sum = 0;
      for (int t = 0; t < count; t++) {
        sum += sampler[t] - policy.value(t);
      }
      return sum / Math.max(count, 1);
    }

    /** Of vespo the correction is in the weight, as in TRL. */
    Scalar correctedLoss(int t) {
      return options.lossType() == LossType.VESPO
          ? loss(t)
          : loss(t).times(Completions.correction(inputs, t));
    }

    private Scalar loss(int t) {
      Scalar ratio = ratios.get(t);
      return switch (options.lossType()) {
        case DAPO, GRPO, BNPO, DR_GRPO, LUSPO -> options.ratio().loss(ratio, advantage);
        case CISPO ->
            policy.token(t).times(-Math.min(ratio.value(), options.epsilonHigh()) * advantage);
        case SAPO -> {
          double temperature =
              advantage > 0 ? options.soft().temperaturePos() : options.soft().temperatureNeg();
          yield ratio.minus(1).times(temperature).sigmoid().times(-4 / temperature * advantage);
        }
        case VESPO -> policy.token(t).times(-softWeight * advantage);
      };
    }

    /** {@code e^l * w^k * e^(-l * w)} of the completion's ratio w, without derivative. */
    private double gammaWeight() {
      double sum = 0;
      for (Scalar logRatio : logRatios) {
        sum += Math.min(Math.max(logRatio.value(), -GREATEST_LOG_RATIO), GREATEST_LOG_RATIO);
      }
      if (inputs.hasReferenceTokens(CORRECTION)) {
        for (float correction : inputs.referenceTokens(CORRECTION)) {
          sum += Math.max(StrictMath.log(correction), LEAST_LOG_RATIO);
        }
      }
      double logRatio = Math.min(Math.max(sum, LEAST_LOG_RATIO), GREATEST_LOG_RATIO);
      GrpoOptions.Soft soft = options.soft();
      double k = advantage >= 0 ? soft.kPos() : soft.kNeg();
      double lambda = Math.max(advantage >= 0 ? soft.lambdaPos() : soft.lambdaNeg(), 1e-4);
      double weight = StrictMath.exp(lambda + k * logRatio - lambda * StrictMath.exp(logRatio));
      return Double.isFinite(weight) ? weight : 0;
    }

    Scalar kl(int t) {
      Scalar difference =
          policy.token(t).negated().plus((double) inputs.referenceTokens(COMPLETION)[t]);
      Scalar estimate = difference.heldExp().minus(difference).minus(1);
      return options.correctsKl() ? estimate.times(ratios.get(t)) : estimate;
    }

    RowLoss report(RowLoss row) {
      return switch (options.lossType()) {
        case DAPO, GRPO, BNPO, DR_GRPO, LUSPO -> clipRatios(row);
        case CISPO -> {
          long clipped =
              ratios.stream()
                  .filter(ratio -> ratio.value() > options.epsilonHigh() && advantage > 0)
                  .count();
          yield share(row, "cispo_clip_ratio", (double) clipped);
        }
        case SAPO -> row;
        case VESPO -> row.report("vespo/phi_seq_mean", softWeight);
      };
    }

    private RowLoss clipRatios(RowLoss row) {
      PolicyRatio clip = options.ratio();
      long low = ratios.stream().filter(ratio -> clip.isClippedLow(ratio, advantage)).count();
      long high = ratios.stream().filter(ratio -> clip.isClippedHigh(ratio, advantage)).count();
      RowLoss reported = share(row, "clip_ratio/low_mean", (double) low);
      reported = share(reported, "clip_ratio/high_mean", (double) high);
      reported = share(reported, "clip_ratio/region_mean", (double) (low + high));
      return reported
          .reportLeast("clip_ratio/low_min", (double) low / count)
          .reportGreatest("clip_ratio/high_max", (double) high / count);
    }

    /** A share of the tokens, or of the completions where their tokens are alike. */
    private RowLoss share(RowLoss row, String name, double tokens) {
      return options.isBySequence()
          ? row.report(name, tokens / count)
          : row.report(name, tokens, count);
    }
  }
}

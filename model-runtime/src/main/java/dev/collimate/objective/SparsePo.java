package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.nn.TokenMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Token-level DPO whose masks decide how much each token's reward and each token's divergence count
 * (Christopoulou et al. 2024, SparsePO, arXiv:2410.05102). With all masks 1 it is TDPO's first
 * variant (Zeng et al. 2024, arXiv:2404.11999). The learnt masks never drop anything, and their
 * parameters, a vector, are not decayed; the authors' code has dropout 0.1 and a decay of 0.01.
 */
final class SparsePo implements Objective {

  private static final String REWARD_NETWORK = "objective.reward_mask";
  private static final String KL_NETWORK = "objective.kl_mask";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "sparsepo",
              "-logsigmoid(beta * (u - d)) + l1_reward * sum mu + l1_kl * sum md; u = sum_t mu_t *"
                  + " (logp_t - ref_t) of chosen minus rejected, d = sum_t md_t * KL_t(ref || policy) of"
                  + " rejected minus chosen",
              "Christopoulou et al. 2024, SparsePO, arXiv:2410.05102; the authors' code (experimental)",
              List.of(
                  Pairs.beta(0.8),
                  ObjectiveOption.choice(
                      "mask",
                      List.of("common", "independent", "activation", "ones"),
                      List.of("common", "independent", "activation", "ones"),
                      "`common`: one learnt mask for rewards and divergences; `independent`: two;"
                          + " `activation`: the mean of the reference's hidden states after each layer,"
                          + " brought to 0 to 1 over the sequence (MaPO); `ones`: TDPO."),
                  ObjectiveOption.number(
                          "l1_reward",
                          1e-3,
                          ">= 0",
                          "Weight of the sum of the learnt masks of rewards; halved for `common`.")
                      .onlyWith("mask", List.of("common", "independent")),
                  ObjectiveOption.number(
                          "l1_kl",
                          1e-3,
                          ">= 0",
                          "Weight of the sum of the learnt masks of divergences; halved for `common`.")
                      .onlyWith("mask", List.of("common", "independent"))),
              options -> new SparsePo(options, 0, 0, 0))
          .withNormalisation("mean over rows")
          .withLimits(
              "mask: ones is TDPO's first variant",
              "mask: ones with KL_t = 0 is dpo",
              "policy = reference has KL_t = 0");

  private enum Mask {
    COMMON,
    INDEPENDENT,
    ACTIVATION,
    ONES;

    /** What a mask is made of. */
    List<Quantity> quantities() {
      return switch (this) {
        case COMMON -> List.of(Quantity.REWARD_MASK);
        case INDEPENDENT -> List.of(Quantity.REWARD_MASK, Quantity.KL_MASK);
        case ACTIVATION -> List.of(Quantity.REFERENCE_ACTIVATIONS);
        case ONES -> List.of();
      };
    }

    boolean isLearnt() {
      return this == COMMON || this == INDEPENDENT;
    }
  }

  private final Options options;
  private final Mask mask;
  private final double beta;
  private final double l1Reward;
  private final double l1Kl;
  private final Declaration declaration;

  /**
   * @param hidden numbers of the reference's hidden states, 0 where that is not known yet
   */
  private SparsePo(Options options, int hidden, int layers, long seed) {
    this.options = options;
    mask = Mask.valueOf(options.text("mask").toUpperCase(Locale.ROOT));
    beta = options.number("beta");
    double share = mask == Mask.COMMON ? 0.5 : 1;
    l1Reward = share * options.number("l1_reward");
    l1Kl = share * options.number("l1_kl");
    List<Quantity> read = new ArrayList<>(List.of(Quantity.MEAN_LOGIT));
    List<Quantity> learned = new ArrayList<>(List.of(Quantity.REFERENCE_KL));
    (mask.isLearnt() ? learned : read).addAll(mask.quantities());
    Declaration pairs =
        Declaration.of("sparsepo", Pairs.CHOSEN, Pairs.REJECTED)
            .withQuantities(read.toArray(Quantity[]::new))
            .withLearned(learned.toArray(Quantity[]::new))
            .withReference(ReferenceUse.TOKENS);
    declaration =
        mask.isLearnt() && hidden > 0
            ? pairs.withParameters(networks(new TokenMask(hidden, layers), seed))
            : pairs;
  }

  private Double[] networks(TokenMask network, long seed) {
    double[] reward = network.initial(seed, REWARD_NETWORK);
    if (mask == Mask.COMMON) {
      return Arrays.stream(reward).boxed().toArray(Double[]::new);
    }
    double[] both = Arrays.copyOf(reward, 2 * reward.length);
    System.arraycopy(network.initial(seed, KL_NETWORK), 0, both, reward.length, reward.length);
    return Arrays.stream(both).boxed().toArray(Double[]::new);
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  @Override
  public Objective over(TrainingSet rows) {
    TrainingSet.Model model = rows.model();
    return new SparsePo(options, model.hiddenOfReference(), model.layers(), model.seed());
  }

  /** A sequence's masked sums, and the masks' own where they are learnt. */
  private record Masked(Scalar reward, Scalar divergence, Scalar rewardMass, Scalar klMass) {}

  @Override
  public RowLoss row(RowInputs inputs) {
    Masked chosen = masked(inputs, Pairs.CHOSEN);
    Masked rejected = masked(inputs, Pairs.REJECTED);
    Scalar u = chosen.reward.minus(rejected.reward);
    Scalar d = rejected.divergence.minus(chosen.divergence);
    Scalar loss = u.minus(d).times(beta).logSigmoid().negated();
    if (mask.isLearnt()) {
      loss =
          loss.plus(chosen.rewardMass.plus(rejected.rewardMass).times(l1Reward))
              .plus(chosen.klMass.plus(rejected.klMass).times(l1Kl));
    }
    // The paper's implicit rewards add the divergence to the masked log-ratios.
    double ofChosen = beta * (chosen.reward.value() + chosen.divergence.value());
    double ofRejected = beta * (rejected.reward.value() + rejected.divergence.value());
    RowLoss row =
        RowLoss.perRow(loss)
            .plus(PairMetrics.of(inputs, ofChosen, ofRejected))
            .report("kl/chosen", sum(inputs.variable(Pairs.CHOSEN, Quantity.REFERENCE_KL)))
            .report("kl/rejected", sum(inputs.variable(Pairs.REJECTED, Quantity.REFERENCE_KL)));
    return reportSparsity(row, inputs);
  }

  private static double sum(TokenLogProbs tokens) {
    return tokens.sum().value();
  }

  /** Shares of tokens whose mask is zero. */
  private RowLoss reportSparsity(RowLoss row, RowInputs inputs) {
    RowLoss reported = row;
    if (mask.isLearnt()) {
      for (String role : List.of(Pairs.CHOSEN, Pairs.REJECTED)) {
        TokenLogProbs values = inputs.variable(role, Quantity.REWARD_MASK);
        double zeros = 0;
        for (int t = 0; t < values.count(); t++) {
          zeros += values.value(t) == 0 ? 1 : 0;
        }
        reported = reported.report("mask_zeros/" + role, zeros, values.count());
      }
    }
    return reported;
  }

  private Masked masked(RowInputs inputs, String role) {
    TokenLogProbs policy = inputs.policy(role);
    TokenLogProbs divergences = inputs.variable(role, Quantity.REFERENCE_KL);
    float[] reference = inputs.referenceTokens(role);
    if (mask.isLearnt()) {
      TokenLogProbs ofReward = inputs.variable(role, Quantity.REWARD_MASK);
      TokenLogProbs ofKl = mask == Mask.COMMON ? ofReward : inputs.variable(role, Quantity.KL_MASK);
      double[] ratios = new double[policy.count()];
      for (int t = 0; t < ratios.length; t++) {
        ratios[t] = policy.value(t) - reference[t];
      }
      return new Masked(
          product(ofReward, policy, ratios),
          product(ofKl, divergences, values(divergences)),
          ofReward.sum(),
          ofKl.sum());
    }
    double[] weights = mask == Mask.ONES ? ones(policy.count()) : activations(inputs, role);
    double ofReference = 0;
    for (int t = 0; t < weights.length; t++) {
      ofReference += weights[t] * reference[t];
    }
    Scalar none = Scalar.constant(0);
    return new Masked(
        policy.weightedSum(weights).minus(ofReference),
        divergences.weightedSum(weights),
        none,
        none);
  }

  /** {@code sum_t mask_t * value_t}; the second summand is 0 and holds the derivatives by masks. */
  private static Scalar product(TokenLogProbs mask, TokenLogProbs variable, double[] values) {
    double[] weights = values(mask);
    double total = 0;
    for (int t = 0; t < weights.length; t++) {
      total += weights[t] * values[t];
    }
    return variable.function(total, weights).plus(mask.function(0, values));
  }

  private static double[] values(TokenLogProbs tokens) {
    double[] values = new double[tokens.count()];
    for (int t = 0; t < values.length; t++) {
      values[t] = tokens.value(t);
    }
    return values;
  }

  private static double[] ones(int count) {
    double[] ones = new double[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  /**
   * For each layer the means of its hidden states, from 0 at the least of the sequence to 1 at the
   * greatest (the z-scores before that, in the authors' code, change nothing), averaged over the
   * layers. Where all tokens of a sequence are alike in a layer they are 1.
   */
  private static double[] activations(RowInputs inputs, String role) {
    float[] means = inputs.quantity(role, Quantity.REFERENCE_ACTIVATIONS);
    int tokens = inputs.policy(role).count();
    int layers = tokens == 0 ? 0 : means.length / tokens;
    double[] weights = new double[tokens];
    for (int layer = 0; layer < layers; layer++) {
      double least = Double.POSITIVE_INFINITY;
      double greatest = Double.NEGATIVE_INFINITY;
      for (int t = 0; t < tokens; t++) {
        least = Math.min(least, means[t * layers + layer]);
        greatest = Math.max(greatest, means[t * layers + layer]);
      }
      for (int t = 0; t < tokens; t++) {
        double mean = means[t * layers + layer];
        weights[t] += (greatest > least ? (mean - least) / (greatest - least) : 1) / layers;
      }
    }
    return weights;
  }
}

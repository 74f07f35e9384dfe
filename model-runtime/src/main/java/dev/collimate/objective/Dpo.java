package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowLoss.Term;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Direct preference optimization (Rafailov et al. 2023, arXiv:2305.18290) and its kin: a weighted
 * mixture of TRL's {@code loss_type}s, with the modifiers of TRL's DPOTrainer.
 */
final class Dpo implements Objective {

  private static final String CHOSEN = "chosen";
  private static final String REJECTED = "rejected";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "dpo",
              "-logsigmoid(beta * ((logp_c - ref_c) - (logp_r - ref_r)))",
              "Rafailov et al. 2023, arXiv:2305.18290; TRL's DPOTrainer",
              DpoOptions.ALL,
              Dpo::new)
          .withRules(DpoOptions.RULES)
          .withNormalisation(
              "mean over rows; sft and rpo_alpha: mean over the chosen side's tokens of the step")
          .withLimits(
              "loss_type: conservative or robust with label_smoothing: 0 is sigmoid, and so is aot in a step of one row",
              "loss_type: robust is, on average over labels wrong with probability label_smoothing, sigmoid of the right ones",
              "f_divergence_type: alpha_divergence with f_alpha_divergence_coef: 1 is reverse_kl, with 0 forward_kl",
              "rpo_alpha: a is loss_type: [sigmoid, sft] with loss_weights: [1, a]",
              "reference_free: true is cpo with cpo_alpha: 0",
              "sync_ref_model: true with ref_model_mixup_alpha: 0, or in a run of fewer steps than ref_model_sync_steps, is without it");

  private final List<PairLoss> losses;
  private final double[] lossWeights;
  private final FDivergence divergence;
  private final double alpha;
  private final double beta;
  private final double smoothing;
  private final double tau;
  private final double ldAlpha;
  private final boolean isReferenceFree;
  private final boolean isWeighted;
  private final Optional<ReferenceSync> sync;
  private final Declaration declaration;

  Dpo(Options options) {
    List<PairLoss> named =
        new ArrayList<>(options.texts("loss_type").stream().map(PairLoss::named).toList());
    List<Double> weights = new ArrayList<>(options.numbers("loss_weights"));
    if (weights.isEmpty()) {
      named.forEach(loss -> weights.add(1.0));
    }
    if (options.number("rpo_alpha") > 0) {
      named.add(PairLoss.SFT);
      weights.add(options.number("rpo_alpha"));
    }
    losses = List.copyOf(named);
    lossWeights = weights.stream().mapToDouble(Double::doubleValue).toArray();
    divergence = FDivergence.valueOf(options.text("f_divergence_type").toUpperCase(Locale.ROOT));
    alpha = options.number("f_alpha_divergence_coef");
    beta = options.number("beta");
    smoothing = options.number("label_smoothing");
    tau = options.number("discopop_tau");
    ldAlpha = options.number("ld_alpha");
    isReferenceFree = options.flag("reference_free");
    isWeighted = options.flag("use_weighting");
    sync = ReferenceSync.of(options);
    declaration = declare();
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  private Declaration declare() {
    Set<Quantity> quantities =
        new LinkedHashSet<>(List.of(Quantity.MEAN_LOGIT, Quantity.ENTROPY, Quantity.TOP1));
    if (isWeighted) {
      quantities.add(Quantity.LOG_SUM_SQUARES);
    }
    Declaration pairs =
        Declaration.of("dpo", CHOSEN, REJECTED)
            .withQuantities(quantities.toArray(Quantity[]::new))
            .withReference(referenceUse())
            .withSync(sync);
    return losses.stream().anyMatch(PairLoss::sortsTheBatch) ? pairs.withGather() : pairs;
  }

  private ReferenceUse referenceUse() {
    if (isReferenceFree) {
      return ReferenceUse.NONE;
    }
    return ldAlpha == 1 ? ReferenceUse.SUMS : ReferenceUse.TOKENS;
  }

  @Override
  public double[] gather(RowInputs inputs) {
    return SortedMatch.gather(logProbs(inputs, CHOSEN), logProbs(inputs, REJECTED));
  }

  private SortedMatch.LogProbs logProbs(RowInputs inputs, String role) {
    return new SortedMatch.LogProbs(policy(inputs, role).value(), reference(inputs, role));
  }

  @Override
  public StepPlan plan(GlobalBatch batch) {
    return declaration.gathers() ? SortedMatch.plan(batch) : StepPlan.unchanged(batch.state());
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar policyChosen = policy(inputs, CHOSEN);
    Scalar policyRejected = policy(inputs, REJECTED);
    Scalar chosen = policyChosen.minus(reference(inputs, CHOSEN));
    Scalar rejected = policyRejected.minus(reference(inputs, REJECTED));
    PairLoss.Pair pair =
        new PairLoss.Pair(
            chosen,
            rejected,
            divergence.of(chosen, alpha),
            divergence.of(rejected, alpha),
            policyChosen.minus(policyRejected),
            inputs.policy(CHOSEN),
            inputs.policy(REJECTED),
            declaration.gathers() ? SortedMatch.given(inputs) : SortedMatch.NONE,
            beta,
            smoothing,
            tau);
    double pairWeight = isWeighted ? PairWeight.of(inputs) : 1;
    List<Term> terms = new ArrayList<>();
    for (int i = 0; i < lossWeights.length; i++) {
      PairLoss loss = losses.get(i);
      terms.add(new Term(loss.of(pair).times(lossWeights[i] * pairWeight), loss.over()));
    }
    PairMetrics.Sides sums = new PairMetrics.Sides(policyChosen.value(), policyRejected.value());
    PairMetrics.Sides rewards =
        new PairMetrics.Sides(beta * chosen.value(), beta * rejected.value());
    return withTokenMetrics(
        new RowLoss(terms, List.of()).plus(PairMetrics.of(inputs, rewards, sums)), inputs);
  }

  private RowLoss withTokenMetrics(RowLoss row, RowInputs inputs) {
    TokenLogProbs chosen = inputs.policy(CHOSEN);
    double entropy =
        inputs.total(CHOSEN, Quantity.ENTROPY) + inputs.total(REJECTED, Quantity.ENTROPY);
    RowLoss reported =
        row.report("entropy", entropy, chosen.count() + inputs.policy(REJECTED).count())
            .report("mean_token_accuracy", inputs.total(CHOSEN, Quantity.TOP1), chosen.count());
    return losses.contains(PairLoss.SFT)
        ? reported.report("nll_loss", -chosen.sum().value(), chosen.count())
        : reported;
  }

  /** The log-probability of a sequence under the policy. */
  private Scalar policy(RowInputs inputs, String role) {
    TokenLogProbs tokens = inputs.policy(role);
    return ldAlpha == 1 ? tokens.sum() : tokens.weightedSum(lengthWeights(inputs, role));
  }

  private double reference(RowInputs inputs, String role) {
    if (isReferenceFree) {
      return 0;
    }
    if (ldAlpha == 1) {
      return inputs.reference(role);
    }
    double[] weights = lengthWeights(inputs, role);
    float[] tokens = inputs.referenceTokens(role);
    double sum = 0;
    for (int t = 0; t < weights.length; t++) {
      sum += weights[t] * tokens[t];
    }
    return sum;
  }

  /**
   * LD-DPO (Liu et al. 2024, arXiv:2409.06411, eq. 10): tokens beyond the length of the shorter
   * side weigh {@code ld_alpha}.
   *
   * @return [counted token]
   */
  private double[] lengthWeights(RowInputs inputs, String role) {
    int shared = Math.min(inputs.policy(CHOSEN).count(), inputs.policy(REJECTED).count());
    double[] weights = new double[inputs.policy(role).count()];
    Arrays.fill(weights, ldAlpha);
    Arrays.fill(weights, 0, shared, 1);
    return weights;
  }
}

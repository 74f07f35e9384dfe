package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Losses of a pair that read no reference model, with the cross-entropy of one completion beside:
 * CPO (Xu et al. 2024, arXiv:2401.08417), SimPO (Meng et al. 2024, arXiv:2405.14734) and AlphaPO
 * (Gupta et al. 2025, arXiv:2501.03884) as TRL's CPOTrainer has them, and TPO (Saeidi et al. 2024,
 * arXiv:2405.16681) as its TPOTrainer has it.
 */
final class ReferenceFreePair implements Objective {

  private static final String CHOSEN = "chosen";
  private static final String REJECTED = "rejected";

  /** TPO's third side: the answer to imitate, the row's column {@code reference}. */
  private static final String GOLD = "reference";

  /** Above it the exponent of AlphaPO's reward is held, and its gradient is 0. */
  private static final double MAX_EXPONENT = 80;

  private static final ObjectiveOption LABEL_SMOOTHING =
      ObjectiveOption.number(
          "label_smoothing",
          0.0,
          ">= 0 and < 0.5",
          "Probability that a pair is the wrong way round.");

  private static final ObjectiveOption SIMPO_GAMMA =
      ObjectiveOption.number("simpo_gamma", 0.5, ">= 0", "Margin that rewards are to differ by.");

  static final ObjectiveSpec CPO =
      new ObjectiveSpec(
              "cpo",
              "-logsigmoid(beta * (logp_c - logp_r)) + cpo_alpha * nll(chosen)",
              "Xu et al. 2024, arXiv:2401.08417; TRL's CPOTrainer",
              List.of(
                  ObjectiveOption.choice(
                      "loss_type",
                      List.of("sigmoid", "hinge", "ipo"),
                      List.of("sigmoid", "hinge", "ipo"),
                      "The loss of a pair's margin; ipo takes means over tokens."),
                  ObjectiveOption.number(
                      "beta", 0.1, "> 0", "Scale of the margin of log-probabilities."),
                  LABEL_SMOOTHING.onlyWith("loss_type", List.of("sigmoid")),
                  ObjectiveOption.number(
                      "cpo_alpha",
                      1.0,
                      ">= 0",
                      "Weight of the chosen completion's cross-entropy.")),
              options ->
                  new ReferenceFreePair(
                      "cpo", Loss.of(options), options, CHOSEN, options.number("cpo_alpha")))
          .withNormalisation("mean over rows; nll: mean over the chosen side's tokens of the step")
          .withLimits("cpo_alpha: 0 is dpo with reference_free: true");

  static final ObjectiveSpec SIMPO =
      new ObjectiveSpec(
              "simpo",
              "-logsigmoid(beta * (avg_c - avg_r) - simpo_gamma) + cpo_alpha * nll(chosen);"
                  + " avg = logp / tokens",
              "Meng et al. 2024, arXiv:2405.14734; TRL's CPOTrainer with loss_type simpo",
              simpoOptions(),
              options ->
                  new ReferenceFreePair(
                      "simpo", Loss.MARGIN, options, CHOSEN, options.number("cpo_alpha")))
          .withNormalisation("mean over rows; nll: mean over the chosen side's tokens of the step")
          .withLimits(
              "is alphapo with alphapo_alpha: 0",
              "simpo_gamma: 0 is dppo with temperature: 1 / beta");

  static final ObjectiveSpec ALPHAPO =
      new ObjectiveSpec(
              "alphapo",
              "-logsigmoid(beta * (R_c - R_r) - simpo_gamma) + cpo_alpha * nll(chosen);"
                  + " R = (1 - e^(-alphapo_alpha * avg)) / alphapo_alpha, avg = logp / tokens",
              "Gupta et al. 2025, arXiv:2501.03884; TRL's CPOTrainer with loss_type alphapo",
              alphapoOptions(),
              options ->
                  new ReferenceFreePair(
                      "alphapo", Loss.MARGIN, options, CHOSEN, options.number("cpo_alpha")))
          .withNormalisation("mean over rows; nll: mean over the chosen side's tokens of the step")
          .withLimits("alphapo_alpha: 0 is simpo");

  static final ObjectiveSpec TPO =
      new ObjectiveSpec(
              "tpo",
              "-logsigmoid(beta * (logp_c - logp_r)) + tpo_alpha * nll(reference), the row's column",
              "Saeidi et al. 2024, arXiv:2405.16681; TRL's TPOTrainer",
              List.of(
                  ObjectiveOption.choice(
                      "loss_type",
                      List.of("sigmoid", "hinge", "ipo", "tpo-l"),
                      List.of("sigmoid", "hinge", "ipo", "tpo-l"),
                      "The loss of a pair's margin; ipo and tpo-l take means over tokens."),
                  ObjectiveOption.number(
                      "beta", 0.01, "> 0", "Scale of the margin of log-probabilities."),
                  LABEL_SMOOTHING.onlyWith("loss_type", List.of("sigmoid", "tpo-l")),
                  ObjectiveOption.number(
                      "tpo_alpha", 1.0, ">= 0", "Weight of the reference answer's cross-entropy."),
                  ObjectiveOption.number(
                          "tpo_l_gamma", 0.5, ">= 0", "Margin that rewards are to differ by.")
                      .onlyWith("loss_type", List.of("tpo-l"))),
              options ->
                  new ReferenceFreePair(
                      "tpo", Loss.of(options), options, GOLD, options.number("tpo_alpha")))
          .withNormalisation(
              "mean over rows; nll: mean over the reference answer's tokens of the step")
          .withLimits(
              "tpo_alpha: 0 is cpo with cpo_alpha: 0",
              "loss_type: tpo-l is simpo with simpo_gamma: tpo_l_gamma, beside the nll of another answer");

  /** The loss of a pair by the difference of what stands for its log-probabilities. */
  private enum Loss {
    SIGMOID,
    HINGE,
    IPO,
    /** The sigmoid loss of means over tokens, less a margin: SimPO's and TPO-L's. */
    MARGIN;

    static Loss of(Options options) {
      String name = options.text("loss_type");
      return name.equals("tpo-l") ? MARGIN : valueOf(name.toUpperCase(Locale.ROOT));
    }

    boolean averages() {
      return this == IPO || this == MARGIN;
    }
  }

  private final String name;
  private final Loss loss;
  private final String imitated;
  private final double imitation;
  private final double beta;
  private final double labelSmoothing;
  private final double gamma;
  private final double alpha;

  /**
   * @param imitated the role whose cross-entropy is added
   * @param imitation its weight
   */
  private ReferenceFreePair(
      String name, Loss loss, Options options, String imitated, double imitation) {
    this.name = name;
    this.loss = loss;
    this.imitated = imitated;
    this.imitation = imitation;
    beta = options.number("beta");
    labelSmoothing = options.number("label_smoothing");
    gamma =
        switch (name) {
          case "simpo", "alphapo" -> options.number("simpo_gamma");
          case "tpo" -> options.number("tpo_l_gamma");
          default -> 0;
        };
    alpha = name.equals("alphapo") ? options.number("alphapo_alpha") : 0;
  }

  private static List<ObjectiveOption> simpoOptions() {
    return List.of(
        ObjectiveOption.number(
            "beta", 0.1, "> 0", "Scale of the margin of means; SimPO's paper uses 2.0 to 2.5."),
        LABEL_SMOOTHING,
        SIMPO_GAMMA,
        ObjectiveOption.number(
            "cpo_alpha", 0.0, ">= 0", "Weight of the chosen completion's cross-entropy."));
  }

  private static List<ObjectiveOption> alphapoOptions() {
    List<ObjectiveOption> options = new ArrayList<>(simpoOptions());
    options.add(
        ObjectiveOption.number(
            "alphapo_alpha", 0.25, "", "Shape of the reward; towards 0 it becomes SimPO's."));
    return options;
  }

  @Override
  public Declaration declaration() {
    boolean hasGold = imitated.equals(GOLD) && imitation > 0;
    Declaration declaration =
        hasGold
            ? Declaration.of(name, CHOSEN, REJECTED, GOLD).withShape(RowShape.TRIPLE)
            : Declaration.of(name, CHOSEN, REJECTED);
    return declaration.withQuantities(Quantity.MEAN_LOGIT);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar chosen = logProb(inputs.policy(CHOSEN));
    Scalar rejected = logProb(inputs.policy(REJECTED));
    Scalar chosenReward = shaped(chosen);
    Scalar rejectedReward = shaped(rejected);
    RowLoss row =
        RowLoss.perRow(loss(chosenReward.minus(rejectedReward)))
            .plus(
                PairMetrics.of(
                    inputs,
                    new PairMetrics.Sides(
                        beta * chosenReward.value(), beta * rejectedReward.value()),
                    new PairMetrics.Sides(chosen.value(), rejected.value())));
    return imitation > 0 ? row.plus(imitation(inputs.policy(imitated))) : row;
  }

  private RowLoss imitation(TokenLogProbs tokens) {
    Scalar nll = tokens.sum().negated();
    return RowLoss.perToken(imitated, nll.times(imitation))
        .report("nll_loss", nll.value(), tokens.count());
  }

  private Scalar logProb(TokenLogProbs tokens) {
    return loss.averages() ? tokens.mean() : tokens.sum();
  }

  /** AlphaPO's reward of a log-probability, which without a shape is the log-probability. */
  private Scalar shaped(Scalar logProb) {
    if (alpha == 0) {
      return logProb;
    }
    double exponent = Math.min(-alpha * logProb.value(), MAX_EXPONENT);
    double derivative = exponent < MAX_EXPONENT ? StrictMath.exp(exponent) : 0;
    return logProb.map(-StrictMath.expm1(exponent) / alpha, derivative);
  }

  private Scalar loss(Scalar difference) {
    return switch (loss) {
      case SIGMOID -> smoothed(difference.times(beta));
      case HINGE -> difference.times(-beta).plus(1).relu();
      case IPO -> difference.minus(1 / (2 * beta)).squared();
      case MARGIN -> smoothed(difference.times(beta).minus(gamma));
    };
  }

  private Scalar smoothed(Scalar margin) {
    Scalar right = margin.logSigmoid().times(labelSmoothing - 1);
    return labelSmoothing == 0
        ? right
        : right.plus(margin.negated().logSigmoid().times(-labelSmoothing));
  }
}

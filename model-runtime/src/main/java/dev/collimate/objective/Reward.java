package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.text.NumberColumn;
import java.util.List;
import java.util.Locale;

/**
 * Trains a reward model on pairs (Bradley and Terry 1952; Ouyang et al. 2022, arXiv:2203.02155) as
 * TRL's RewardTrainer does, with what number columns can say about a label: a {@code margin}, the
 * {@code preference_strength} that an ensemble of reward models measured (Wang et al. 2024, Secrets
 * of RLHF in Large Language Models Part II, arXiv:2401.06080), the {@code agreement} of several
 * judges.
 */
final class Reward implements Objective {

  static final String CHOSEN = "chosen";
  static final String REJECTED = "rejected";

  private static final String MARGIN = "margin";
  private static final String STRENGTH = "preference_strength";
  private static final String AGREEMENT = "agreement";

  /** Of both objectives that learn from pairs (Pitis et al. 2024, arXiv:2407.14916). */
  static final ObjectiveOption CONTEXT_COLUMN =
      ObjectiveOption.text(
          "context_column",
          "",
          "Column of a text that stands before the prompt, of a conversation as its system message:"
              + " what to judge by (arXiv:2407.14916). A row without one is as it is; empty: none.");

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "reward",
              "-logsigmoid(r_c - r_r - margin) + center_rewards_coefficient * (r_c + r_r)^2",
              "Ouyang et al. 2022, arXiv:2203.02155; TRL's RewardTrainer",
              List.of(
                  ObjectiveOption.number(
                      "center_rewards_coefficient",
                      0.0,
                      ">= 0",
                      "Weight of the square of a pair's summed rewards, which keeps rewards around"
                          + " zero; TRL's recommendation is 0.01, its None is 0."),
                  choice(
                      "loss_type",
                      List.of("sigmoid", "hinge", "focal"),
                      "Of d = r_c - r_r - margin: -logsigmoid(d), max(0, 1 - d), or"
                          + " (1 - sigmoid(d))^focal_gamma * -logsigmoid(d) (the latter two experimental)."),
                  ObjectiveOption.number(
                          "focal_gamma",
                          2.0,
                          ">= 0",
                          "How much loss_type focal plays down easy pairs.")
                      .onlyWith("loss_type", List.of("focal")),
                  ObjectiveOption.number(
                      "label_smoothing",
                      0.0,
                      ">= 0 and < 0.5",
                      "Probability that a label is wrong: (1 - e) * loss(d) + e * loss(-d)."),
                  choice(
                      STRENGTH,
                      List.of("ignore", "label_flip", "soft_label", "adaptive_margin"),
                      "What the column preference_strength does, the mean difference of rewards in an"
                          + " ensemble: flip labels where it is below flip_below, be the logit of the"
                          + " label's probability, or be a margin; arXiv:2401.06080 (experimental)."),
                  ObjectiveOption.number(
                          "flip_below",
                          0.0,
                          "",
                          "Strength under which label_flip takes a label for wrong.")
                      .onlyWith(STRENGTH, List.of("label_flip")),
                  choice(
                      AGREEMENT,
                      List.of("ignore", "margin", "soft_label"),
                      "What the column agreement does, the share of judges that side with the label:"
                          + " be a margin agreement_scale * (2a - 1), or the label's probability"
                          + " (experimental)."),
                  ObjectiveOption.number(
                          "agreement_scale",
                          1.0,
                          "> 0",
                          "Margin of a pair on which all judges agree.")
                      .onlyWith(AGREEMENT, List.of("margin")),
                  ObjectiveOption.flag(
                          "clamp_agreement_margin",
                          false,
                          "Take the margin of pairs on which most judges contradict the label for"
                              + " zero.")
                      .onlyWith(AGREEMENT, List.of("margin")),
                  CONTEXT_COLUMN),
              Reward::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "loss_type: focal with focal_gamma: 0 is sigmoid",
              "preference_strength: soft_label towards infinity, adaptive_margin at 0 and label_flip from flip_below on are the loss without it",
              "agreement: soft_label at 1 is the loss without it",
              "agreement: margin is the loss with agreement_scale * (2 * agreement - 1) in the column margin");

  private enum LossType {
    SIGMOID {
      @Override
      Scalar of(Scalar d, double gamma) {
        return d.logSigmoid().negated();
      }
    },
    HINGE {
      @Override
      Scalar of(Scalar d, double gamma) {
        return d.negated().plus(1).relu();
      }
    },
    /** {@code (1 - sigmoid(d))^gamma = e^(gamma * logsigmoid(-d))}. */
    FOCAL {
      @Override
      Scalar of(Scalar d, double gamma) {
        Scalar hardness = d.negated().logSigmoid().times(gamma).exp();
        return hardness.times(d.logSigmoid().negated());
      }
    };

    abstract Scalar of(Scalar d, double gamma);
  }

  private enum Strength {
    IGNORE,
    LABEL_FLIP,
    SOFT_LABEL,
    ADAPTIVE_MARGIN
  }

  private enum Agreement {
    IGNORE,
    MARGIN,
    SOFT_LABEL
  }

  private final Declaration declaration;
  private final double centerRewardsCoefficient;
  private final LossType lossType;
  private final double focalGamma;
  private final double labelSmoothing;
  private final Strength strength;
  private final double flipBelow;
  private final Agreement agreement;
  private final double agreementScale;
  private final boolean clampsAgreementMargin;

  Reward(Options options) {
    centerRewardsCoefficient = options.number("center_rewards_coefficient");
    lossType = LossType.valueOf(upper(options.text("loss_type")));
    focalGamma = options.number("focal_gamma");
    labelSmoothing = options.number("label_smoothing");
    strength = Strength.valueOf(upper(options.text(STRENGTH)));
    flipBelow = options.number("flip_below");
    agreement = Agreement.valueOf(upper(options.text(AGREEMENT)));
    agreementScale = options.number("agreement_scale");
    clampsAgreementMargin = options.flag("clamp_agreement_margin");
    declaration = declaration(strength, agreement).withContext(options.text(CONTEXT_COLUMN.name()));
    long probabilities =
        List.of(
                labelSmoothing > 0,
                strength == Strength.SOFT_LABEL,
                agreement == Agreement.SOFT_LABEL)
            .stream()
            .filter(given -> given)
            .count();
    if (probabilities > 1) {
      throw CollimateException.usage(
          "objective: label_smoothing, preference_strength: soft_label and agreement: soft_label each give the label's probability; give one of them");
    }
  }

  private static Declaration declaration(Strength strength, Agreement agreement) {
    Declaration declaration =
        Declaration.ofScores("reward", 1, CHOSEN, REJECTED)
            .withNumbers(NumberColumn.optional(MARGIN));
    if (strength != Strength.IGNORE) {
      declaration = declaration.withNumbers(NumberColumn.required(STRENGTH));
    }
    if (agreement != Agreement.IGNORE) {
      declaration =
          declaration.withNumbers(NumberColumn.required(AGREEMENT).within(">= 0 and <= 1"));
    }
    return declaration;
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar chosen = inputs.score(CHOSEN, 0);
    Scalar rejected = inputs.score(REJECTED, 0);
    Scalar difference = chosen.minus(rejected);
    boolean isFlipped = strength == Strength.LABEL_FLIP && inputs.scalar(STRENGTH) < flipBelow;
    Scalar labelled = isFlipped ? difference.negated() : difference;
    Scalar loss = expected(labelled.minus(margin(inputs)), probability(inputs));
    if (centerRewardsCoefficient > 0) {
      loss = loss.plus(chosen.plus(rejected).squared().times(centerRewardsCoefficient));
    }
    return RowLoss.perRow(loss).plus(RewardMetrics.of(chosen.value(), rejected.value()));
  }

  /** The loss over a label that is right with a probability. */
  private Scalar expected(Scalar d, double probability) {
    if (probability == 1) {
      return lossType.of(d, focalGamma);
    }
    return lossType
        .of(d, focalGamma)
        .times(probability)
        .plus(lossType.of(d.negated(), focalGamma).times(1 - probability));
  }

  /** What the difference must be more than; the columns' margins add up. */
  private double margin(RowInputs inputs) {
    double margin = inputs.hasScalar(MARGIN) ? inputs.scalar(MARGIN) : 0;
    if (strength == Strength.ADAPTIVE_MARGIN) {
      margin += inputs.scalar(STRENGTH);
    }
    if (agreement == Agreement.MARGIN) {
      double ofJudges = agreementScale * (2 * inputs.scalar(AGREEMENT) - 1);
      margin += clampsAgreementMargin ? Math.max(0, ofJudges) : ofJudges;
    }
    return margin;
  }

  private double probability(RowInputs inputs) {
    if (strength == Strength.SOFT_LABEL) {
      return Scalar.sigmoid(inputs.scalar(STRENGTH));
    }
    return agreement == Agreement.SOFT_LABEL ? inputs.scalar(AGREEMENT) : 1 - labelSmoothing;
  }

  private static String upper(String value) {
    return value.toUpperCase(Locale.ROOT);
  }

  private static ObjectiveOption choice(String name, List<String> values, String meaning) {
    return ObjectiveOption.choice(name, values, values, meaning);
  }
}

package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.List;
import java.util.Locale;

/**
 * Direct preference optimization (Rafailov et al. 2023, arXiv:2305.18290) under TRL's {@code
 * loss_type} names.
 */
final class Dpo implements Objective {

  private static final String CHOSEN = "chosen";
  private static final String REJECTED = "rejected";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
          "dpo",
          "-logsigmoid(beta * ((logp_c - ref_c) - (logp_r - ref_r)))",
          "Rafailov et al. 2023, arXiv:2305.18290; TRL's DPOTrainer",
          List.of(
              ObjectiveOption.choice(
                  "loss_type",
                  List.of(
                      "sigmoid",
                      "hinge",
                      "ipo",
                      "exo_pair",
                      "nca_pair",
                      "robust",
                      "bco_pair",
                      "sppo_hard",
                      "aot",
                      "aot_unpaired",
                      "apo_zero",
                      "apo_down",
                      "discopop",
                      "sft",
                      "sigmoid_norm"),
                  List.of("sigmoid"),
                  "The loss of a pair's margin."),
              ObjectiveOption.number(
                  "beta", 0.1, "> 0", "Strength of the pull towards the reference model.")),
          Dpo::new);

  private static final Declaration DECLARATION =
      Declaration.of("dpo", CHOSEN, REJECTED)
          .withQuantities(Quantity.MEAN_LOGIT)
          .withReference(ReferenceUse.SUMS);

  /** The loss of a pair by its log-ratios to the reference. */
  private enum LossType {
    SIGMOID {
      @Override
      Scalar of(Scalar chosen, Scalar rejected, double beta) {
        return chosen.minus(rejected).times(beta).logSigmoid().negated();
      }
    };

    abstract Scalar of(Scalar chosen, Scalar rejected, double beta);
  }

  private final LossType lossType;
  private final double beta;

  Dpo(Options options) {
    lossType = LossType.valueOf(options.text("loss_type").toUpperCase(Locale.ROOT));
    beta = options.number("beta");
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar chosen = inputs.logRatio(CHOSEN);
    Scalar rejected = inputs.logRatio(REJECTED);
    return RowLoss.perRow(lossType.of(chosen, rejected, beta))
        .plus(PairMetrics.of(inputs, beta * chosen.value(), beta * rejected.value()));
  }
}

package dev.collimate.objective;

import dev.collimate.text.FurtherSequence;
import java.util.ArrayList;
import java.util.List;

/**
 * Multi-level aware preference learning on top of DPO. Within a row: the chosen answer under its
 * prompt, which it obeys, against the same answer under a prompt that it violates, {@code
 * softplus(-beta * (lr(y|x) - lr(y|x_violating)))}. Between rows: a constraint that the chosen
 * answer alone meets must widen the margin G = beta * M, one that the rejected answer alone meets
 * must narrow it, {@code softplus(-(G(x + c_w) - G(x))) + softplus(-(G(x) - G(x + c_l)))}.
 */
final class Mapl implements Objective {

  private static final String VIOLATING = "chosen_violating";
  private static final String CHOSEN_WIDER = "chosen_widened";
  private static final String REJECTED_WIDER = "rejected_widened";
  private static final String CHOSEN_NARROWER = "chosen_narrowed";
  private static final String REJECTED_NARROWER = "rejected_narrowed";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "mapl",
              "-logsigmoid(beta * M) + intra_weight * L_intra + inter_weight * L_inter",
              "Sun et al. 2025, Multi-Level Aware Preference Learning: Enhancing RLHF for Complex"
                  + " Multi-Instruction Tasks, arXiv:2505.12845 (experimental)",
              List.of(
                  Pairs.beta(0.1),
                  ObjectiveOption.number(
                      "intra_weight",
                      1.0,
                      ">= 0",
                      "Weight of the chosen answer under prompt against the same under the column"
                          + " prompt_violating; 0: the column is not read."),
                  ObjectiveOption.number(
                      "inter_weight",
                      1.0,
                      ">= 0",
                      "Weight of the margin's change with a constraint that the chosen answer alone meets"
                          + " (column prompt_widening) or the rejected one alone (prompt_narrowing); 0:"
                          + " the columns are not read.")),
              Mapl::new)
          .withNormalisation("mean over rows")
          .withLimits("intra_weight: 0 with inter_weight: 0 is dpo");

  private final Declaration declaration;
  private final double beta;
  private final double intraWeight;
  private final double interWeight;

  private Mapl(Options options) {
    beta = options.number("beta");
    intraWeight = options.number("intra_weight");
    interWeight = options.number("inter_weight");
    List<FurtherSequence> sequences = new ArrayList<>();
    if (intraWeight > 0) {
      sequences.add(new FurtherSequence(VIOLATING, "{prompt_violating}", Pairs.CHOSEN));
    }
    if (interWeight > 0) {
      sequences.add(new FurtherSequence(CHOSEN_WIDER, "{prompt_widening}", Pairs.CHOSEN));
      sequences.add(new FurtherSequence(REJECTED_WIDER, "{prompt_widening}", Pairs.REJECTED));
      sequences.add(new FurtherSequence(CHOSEN_NARROWER, "{prompt_narrowing}", Pairs.CHOSEN));
      sequences.add(new FurtherSequence(REJECTED_NARROWER, "{prompt_narrowing}", Pairs.REJECTED));
    }
    declaration =
        Pairs.againstReference(SPEC.name())
            .withSequences(sequences.toArray(FurtherSequence[]::new));
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar margin = margin(inputs, Pairs.CHOSEN, Pairs.REJECTED);
    RowLoss row =
        RowLoss.perRow(exceeds(margin, Scalar.constant(0))).plus(Pairs.metrics(inputs, beta));
    if (intraWeight > 0) {
      Scalar intra = exceeds(margin(inputs, Pairs.CHOSEN, VIOLATING), Scalar.constant(0));
      row = row.plus(RowLoss.perRow(intra.times(intraWeight))).report("intra_loss", intra.value());
    }
    if (interWeight > 0) {
      Scalar wider = margin(inputs, CHOSEN_WIDER, REJECTED_WIDER);
      Scalar narrower = margin(inputs, CHOSEN_NARROWER, REJECTED_NARROWER);
      Scalar inter = exceeds(wider, margin).plus(exceeds(margin, narrower));
      row = row.plus(RowLoss.perRow(inter.times(interWeight))).report("inter_loss", inter.value());
    }
    return row;
  }

  private Scalar margin(RowInputs inputs, String larger, String smaller) {
    return inputs.logRatio(larger).minus(inputs.logRatio(smaller)).times(beta);
  }

  /** {@code softplus(-(larger - smaller))}. */
  private static Scalar exceeds(Scalar larger, Scalar smaller) {
    return larger.minus(smaller).logSigmoid().negated();
  }
}

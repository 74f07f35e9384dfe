package org.example.objective;

import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objective;
import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveProvider;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.objective.RowInputs;
import dev.collimate.objective.RowLoss;
import dev.collimate.objective.Scalar;
import java.util.List;

/** An objective of a user's own: DPO that turns away from pairs which are right already. */
public final class FocalDpo implements ObjectiveProvider {

  @Override
  public ObjectiveSpec spec() {
    return new ObjectiveSpec(
            "focal_dpo",
            "-sigmoid(-m)^gamma * logsigmoid(m), m = beta * ((logp_c - ref_c) - (logp_r - ref_r))",
            "Lin et al. 2017, arXiv:1708.02002, equation 4, on DPO's margin",
            List.of(
                ObjectiveOption.number(
                    "beta", 0.1, "> 0", "Strength of the pull to the reference."),
                ObjectiveOption.number(
                    "gamma", 2.0, ">= 0", "How far right pairs are left alone.")),
            options -> new Focal(options.number("beta"), options.number("gamma")))
        .withLimits("gamma: 0 is dpo");
  }

  private record Focal(double beta, double gamma) implements Objective {

    @Override
    public Declaration declaration() {
      return Declaration.of("focal_dpo", "chosen", "rejected").withReference(ReferenceUse.SUMS);
    }

    @Override
    public RowLoss row(RowInputs inputs) {
      Scalar margin = inputs.logRatio("chosen").minus(inputs.logRatio("rejected")).times(beta);
      Scalar focus = margin.negated().logSigmoid().times(gamma).exp();
      return RowLoss.perRow(focus.times(margin.logSigmoid()).negated())
          .report("rewards/margins", margin.value())
          .report("rewards/accuracies", margin.value() > 0 ? 1 : 0);
    }
  }
}

package dev.collimate.learn;

import dev.collimate.objective.Declaration;
import dev.collimate.objective.GlobalBatch;
import dev.collimate.objective.Objective;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.objective.RowInputs;
import dev.collimate.objective.RowLoss;
import dev.collimate.objective.Scalar;
import dev.collimate.objective.StepPlan;

/**
 * An objective that uses everything an objective can ask for: a third sequence, the reference by
 * token, a scalar gathered over the global batch, state that persists and a parameter of its own.
 *
 * <p>{@code softplus(p - (M - d)) + nll(gold)}, where M is the margin, p the objective's parameter
 * and d a running mean of the margins, updated before it is used (as BCO's delta), while each row
 * also reads the margin of the next row of the batch.
 */
final class GoldMarginObjective implements Objective {

  static final double DECAY = 0.75;

  private static final Declaration DECLARATION =
      Declaration.of("gold_margin", "chosen", "rejected", "gold")
          .withReference(ReferenceUse.TOKENS)
          .withGather()
          .withState(0.5)
          .withParameters(0.25);

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  private static Scalar margin(RowInputs inputs) {
    double reference = 0;
    for (float value : inputs.referenceTokens("chosen")) {
      reference += value;
    }
    for (float value : inputs.referenceTokens("rejected")) {
      reference -= value;
    }
    return inputs.policy("chosen").sum().minus(inputs.policy("rejected").sum()).minus(reference);
  }

  @Override
  public double[] gather(RowInputs inputs) {
    return new double[] {margin(inputs).value()};
  }

  @Override
  public StepPlan plan(GlobalBatch batch) {
    double sum = 0;
    double[][] next = new double[batch.rows().size()][];
    for (int i = 0; i < next.length; i++) {
      sum += batch.gathered()[i][0];
      next[i] = new double[] {batch.gathered()[(i + 1) % next.length][0]};
    }
    double delta = DECAY * batch.state()[0] + (1 - DECAY) * sum / next.length;
    return new StepPlan(new double[] {delta}, new double[] {delta}, next);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar shifted = margin(inputs).minus(inputs.shared(0)).minus(0.125 * inputs.given(0));
    return RowLoss.perRow(inputs.parameter(0).minus(shifted).softplus())
        .plus(RowLoss.perToken("gold", inputs.policy("gold").sum().negated()))
        .report("delta", inputs.shared(0));
  }
}

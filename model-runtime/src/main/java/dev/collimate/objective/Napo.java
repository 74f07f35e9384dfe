package dev.collimate.objective;

import dev.collimate.text.FurtherSequence;
import java.util.List;

/**
 * Noise-aware preference optimization: {@code L_q = (1 - sigmoid(beta * h)^q) / q} lies between
 * DPO's cross-entropy (q to 0) and the absolute error {@code 1 - sigmoid(beta * h)} (q = 1), which
 * flipped labels hurt less. By itself q is {@code clamp(2 * (1 - sigmoid(alpha * mean h)), 0.001,
 * 1)} over the rows of the global batch.
 *
 * <p>With further rejected completions the loss is DPO on the pair plus L_q against each of them,
 * each with its own q.
 */
final class Napo implements Objective {

  private static final String AUTO = "auto";
  private static final double LEAST_Q = 0.001;

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "napo",
              "(1 - sigmoid(beta * M)^q) / q",
              "Zhang et al. 2025, NaPO, Debiasing Multimodal Large Language Models via Noise-Aware"
                  + " Preference Optimization, arXiv:2503.17928",
              List.of(
                  Pairs.beta(0.1),
                  ObjectiveOption.numberOr(
                      "q",
                      AUTO,
                      "> 0 and <= 1",
                      "Near 0: DPO, 1: absolute error; `auto`: the smaller the wider the mean margin"
                          + " of the step."),
                  ObjectiveOption.number(
                      "alpha",
                      0.1,
                      "> 0",
                      "How fast q falls with the mean margin, where it is auto."),
                  ObjectiveOption.choice(
                      "margin",
                      List.of("sum", "mean"),
                      List.of("sum", "mean"),
                      "What q is made of: log-ratios, or (`mean`) these over the number of tokens."),
                  ObjectiveOption.choice(
                      "extra_rejected",
                      List.of("0", "1", "2"),
                      List.of("0", "1", "2"),
                      "Columns rejected_1 and rejected_2 of answers made without a part of the"
                          + " context; with them the pair itself has DPO's loss."),
                  ObjectiveOption.number("w0", 1.0, ">= 0", "Weight of DPO beside extra_rejected."),
                  ObjectiveOption.number("w1", 1.0, ">= 0", "Weight of rejected_1."),
                  ObjectiveOption.number("w2", 1.0, ">= 0", "Weight of rejected_2.")),
              Napo::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "q: near 0 is dpo; at 0.001 it differs by less than 0.006 where beta * M is between -3 and 3",
              "q: 1 is the absolute error 1 - sigmoid(beta * M)",
              "q: auto is 1 where the step's mean margin is at most 0");

  private final Declaration declaration;
  private final double beta;
  private final double alpha;
  private final boolean isAuto;
  private final double fixedQ;
  private final boolean isMean;
  private final List<String> noisy;
  private final double[] weights;

  private Napo(Options options) {
    beta = options.number("beta");
    alpha = options.number("alpha");
    isAuto = options.text("q").equals(AUTO);
    fixedQ = isAuto ? Double.NaN : Double.parseDouble(options.text("q"));
    isMean = options.text("margin").equals("mean");
    weights = new double[] {options.number("w0"), options.number("w1"), options.number("w2")};
    List<String> extra =
        List.of("rejected_1", "rejected_2")
            .subList(0, Integer.parseInt(options.text("extra_rejected")));
    noisy = extra.isEmpty() ? List.of(Pairs.REJECTED) : extra;
    Declaration declared =
        Pairs.againstReference(SPEC.name())
            .withSequences(
                extra.stream()
                    .map(role -> new FurtherSequence(role, "{prompt}", role))
                    .toArray(FurtherSequence[]::new));
    declaration = isAuto ? declared.withGather() : declared;
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  /** The margins from which q is made, one for each noisy side. */
  @Override
  public double[] gather(RowInputs inputs) {
    return noisy.stream()
        .mapToDouble(role -> logRatio(inputs, Pairs.CHOSEN) - logRatio(inputs, role))
        .toArray();
  }

  private double logRatio(RowInputs inputs, String role) {
    double ratio = inputs.logRatio(role).value();
    return isMean ? ratio / inputs.policy(role).count() : ratio;
  }

  /** Shared: q of each noisy side. */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    double[] q = new double[noisy.size()];
    for (int side = 0; side < q.length; side++) {
      q[side] = isAuto ? automaticQ(batch.gathered(), side) : fixedQ;
    }
    return new StepPlan(batch.state(), q, new double[0][]);
  }

  private double automaticQ(double[][] margins, int side) {
    double sum = 0;
    for (double[] row : margins) {
      sum += row[side];
    }
    double q = 2 * Scalar.sigmoid(-alpha * sum / margins.length);
    return Math.max(LEAST_Q, Math.min(1, q));
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    RowLoss row = Pairs.metrics(inputs, beta);
    boolean hasExtra = !noisy.contains(Pairs.REJECTED);
    if (hasExtra) {
      Scalar dpo = Pairs.margin(inputs).times(beta).logSigmoid().times(-weights[0]);
      row = RowLoss.perRow(dpo).plus(row);
    }
    for (int side = 0; side < noisy.size(); side++) {
      double q = inputs.shared(side);
      Scalar margin = inputs.logRatio(Pairs.CHOSEN).minus(inputs.logRatio(noisy.get(side)));
      Scalar loss = absoluteError(margin.times(beta), q);
      row =
          RowLoss.perRow(hasExtra ? loss.times(weights[side + 1]) : loss)
              .plus(row)
              .report(hasExtra ? "q/" + noisy.get(side) : "q", q);
    }
    return row;
  }

  /** {@code (1 - sigmoid(m)^q) / q}; near q = 0 without loss of digits. */
  private static Scalar absoluteError(Scalar margin, double q) {
    Scalar power = margin.logSigmoid().times(q);
    double value = -StrictMath.expm1(power.value()) / q;
    return power.map(value, -StrictMath.exp(power.value()) / q);
  }
}

package dev.collimate.objective;

import dev.collimate.CollimateException;
import java.util.List;

/**
 * A general preference model (Zhang et al. 2024, arXiv:2410.02197): a response is a vector, and how
 * much one is preferred to another is a skew-symmetric product of theirs, which can say that a
 * beats b, b beats c and c beats a. A head of two numbers whose second is constant is
 * Bradley-Terry.
 */
final class GeneralPreference implements Objective {

  private static final String DIMENSION = "value_head_dim";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "gpm",
              "-logsigmoid(sum_b (c[2b] * r[2b+1] - c[2b+1] * r[2b]) / tau)",
              "Zhang et al. 2024, arXiv:2410.02197, without the gate by prompt",
              List.of(
                  ObjectiveOption.number(
                      DIMENSION, 2.0, ">= 2", "Numbers that the head gives for a response; even."),
                  ObjectiveOption.number("tau", 0.1, "> 0", "Divides the preference score."),
                  ObjectiveOption.flag(
                      "normalize", false, "Give every response's vector the length 1.")),
              GeneralPreference::new)
          .withNormalisation("mean over rows")
          .withLimits("tau: 1 is reward where every second number is 1");

  private final int dimension;
  private final double tau;
  private final boolean normalizes;

  GeneralPreference(Options options) {
    double given = options.number(DIMENSION);
    dimension = (int) given;
    if (dimension != given || dimension % 2 != 0) {
      throw CollimateException.usage(
          "objective.value_head_dim: must be an even whole number, got %s".formatted(given));
    }
    tau = options.number("tau");
    normalizes = options.flag("normalize");
  }

  @Override
  public Declaration declaration() {
    return Declaration.ofScores("gpm", dimension, Reward.CHOSEN, Reward.REJECTED);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar score = score(vector(inputs, Reward.CHOSEN), vector(inputs, Reward.REJECTED));
    return RowLoss.perRow(score.dividedBy(tau).logSigmoid().negated())
        .plus(RewardMetrics.of(score.value()));
  }

  private Scalar[] vector(RowInputs inputs, String role) {
    Scalar[] vector = new Scalar[dimension];
    for (int i = 0; i < dimension; i++) {
      vector[i] = inputs.score(role, i);
    }
    if (normalizes) {
      Scalar length = length(vector);
      for (int i = 0; i < dimension; i++) {
        vector[i] = vector[i].dividedBy(length);
      }
    }
    return vector;
  }

  /** The zero vector has no direction and stays what it is. */
  private static Scalar length(Scalar[] vector) {
    Scalar squares = Scalar.constant(0);
    for (Scalar number : vector) {
      squares = squares.plus(number.squared());
    }
    if (squares.value() == 0) {
      return Scalar.constant(1);
    }
    double length = Math.sqrt(squares.value());
    return squares.map(length, 0.5 / length);
  }

  /** How much the first is preferred to the second. */
  private static Scalar score(Scalar[] first, Scalar[] second) {
    Scalar score = Scalar.constant(0);
    for (int i = 0; i < first.length; i += 2) {
      score = score.plus(first[i].times(second[i + 1])).minus(first[i + 1].times(second[i]));
    }
    return score;
  }
}

package dev.collimate.objective;

/**
 * The policy's log-probabilities of one sequence's counted tokens, and the derivatives of the loss
 * with respect to them. A reduction over any number of tokens is one number of the formula.
 */
public final class TokenLogProbs {

  private final double[] values;
  private final double[] gradients;

  /**
   * @param values [counted token]
   */
  public TokenLogProbs(double[] values) {
    this.values = values;
    this.gradients = new double[values.length];
  }

  /** Number of counted tokens. */
  public int count() {
    return values.length;
  }

  public double value(int token) {
    return values[token];
  }

  /** The sequence's log-probability: the sum over its counted tokens. */
  public Scalar sum() {
    double total = 0;
    for (double value : values) {
      total += value;
    }
    return Scalar.variable(
        total,
        adjoint -> {
          for (int t = 0; t < gradients.length; t++) {
            gradients[t] += adjoint;
          }
        });
  }

  /** The mean over the counted tokens. */
  public Scalar mean() {
    return sum().dividedBy(values.length);
  }

  /**
   * {@code sum over tokens of weight * log-probability}.
   *
   * @param weights [counted token], constants
   */
  public Scalar weightedSum(double[] weights) {
    double total = 0;
    for (int t = 0; t < values.length; t++) {
      total += weights[t] * values[t];
    }
    return function(total, weights);
  }

  /**
   * Any function of all the tokens, given by its value and its derivatives here.
   *
   * @param partials [counted token] derivative of the function by each log-probability
   */
  public Scalar function(double value, double[] partials) {
    if (partials.length != values.length) {
      throw new IllegalArgumentException(
          partials.length + " derivatives for " + values.length + " tokens");
    }
    return Scalar.variable(
        value,
        adjoint -> {
          for (int t = 0; t < gradients.length; t++) {
            gradients[t] += adjoint * partials[t];
          }
        });
  }

  /**
   * Derivatives of what was differentiated so far.
   *
   * @return [counted token]
   */
  public double[] gradients() {
    return gradients.clone();
  }
}

package dev.collimate.objective;

import java.util.Arrays;

/**
 * The policy's log-probabilities of one sequence's counted tokens, or other numbers that it gives
 * for them and that are learned, and the derivatives of the loss with respect to them. A reduction
 * over any number of tokens is one number of the formula.
 */
public final class TokenLogProbs {

  private final double[] values;
  private final double[] gradients;
  private final int first;
  private final int promptTokens;

  /**
   * @param values [counted token]
   */
  public TokenLogProbs(double[] values) {
    this(values, 0);
  }

  /**
   * @param values [counted token]
   * @param promptTokens how many of them, from the first, are the prompt's
   */
  public TokenLogProbs(double[] values, int promptTokens) {
    this(values, new double[values.length], 0, promptTokens);
  }

  private TokenLogProbs(double[] values, double[] gradients, int first, int promptTokens) {
    this.values = values;
    this.gradients = gradients;
    this.first = first;
    this.promptTokens = promptTokens;
  }

  /** The completion's tokens alone; what is derived by them is derived by these. */
  public TokenLogProbs completion() {
    return new TokenLogProbs(values, gradients, first + promptTokens, 0);
  }

  /** Number of counted tokens. */
  public int count() {
    return values.length - first;
  }

  /** How many of the counted tokens, from the first, are the prompt's. */
  public int promptTokens() {
    return promptTokens;
  }

  public double value(int token) {
    return values[first + token];
  }

  /** One token's. */
  public Scalar token(int token) {
    int t = first + token;
    return Scalar.variable(values[t], adjoint -> gradients[t] += adjoint);
  }

  /** The sequence's log-probability: the sum over its counted tokens. */
  public Scalar sum() {
    double total = 0;
    for (int t = first; t < values.length; t++) {
      total += values[t];
    }
    return Scalar.variable(
        total,
        adjoint -> {
          for (int t = first; t < gradients.length; t++) {
            gradients[t] += adjoint;
          }
        });
  }

  /** The mean over the counted tokens. */
  public Scalar mean() {
    return sum().dividedBy(count());
  }

  /**
   * {@code sum over tokens of weight * log-probability}.
   *
   * @param weights [counted token], constants
   */
  public Scalar weightedSum(double[] weights) {
    double total = 0;
    for (int t = 0; t < count(); t++) {
      total += weights[t] * value(t);
    }
    return function(total, weights);
  }

  /**
   * Any function of all the tokens, given by its value and its derivatives here.
   *
   * @param partials [counted token] derivative of the function by each log-probability
   */
  public Scalar function(double value, double[] partials) {
    if (partials.length != count()) {
      throw new IllegalArgumentException(
          partials.length + " derivatives for " + count() + " tokens");
    }
    return Scalar.variable(
        value,
        adjoint -> {
          for (int t = 0; t < partials.length; t++) {
            gradients[first + t] += adjoint * partials[t];
          }
        });
  }

  /**
   * Derivatives of what was differentiated so far.
   *
   * @return [counted token]
   */
  public double[] gradients() {
    return Arrays.copyOfRange(gradients, first, gradients.length);
  }
}

package dev.collimate.objective;

/**
 * The numbers that a model gives for one whole sequence, a reward model's scores or a last hidden
 * state, and the derivatives of the loss with respect to them.
 */
public final class SequenceScores {

  private final double[] values;
  private final double[] gradients;

  /**
   * @param values [label]
   */
  public SequenceScores(double[] values) {
    this.values = values;
    this.gradients = new double[values.length];
  }

  /** How many numbers there are. */
  public int count() {
    return values.length;
  }

  double value(int label) {
    return values[label];
  }

  void addGradient(int label, double amount) {
    gradients[label] += amount;
  }

  /** One of the numbers. */
  public Scalar variable(int label) {
    return Scalar.variable(values[label], adjoint -> gradients[label] += adjoint);
  }

  /**
   * Derivatives of what was differentiated so far.
   *
   * @return [label]
   */
  public double[] gradients() {
    return gradients.clone();
  }
}

package dev.collimate.objective;

/** The objective's own trained parameters, and the derivatives of the loss by them. */
public final class OwnParameters {

  private final double[] values;
  private final double[] gradients;

  public OwnParameters(double[] values) {
    this.values = values;
    this.gradients = new double[values.length];
  }

  Scalar variable(int index) {
    return Scalar.variable(values[index], adjoint -> gradients[index] += adjoint);
  }

  /** Derivatives summed over the rows so far. */
  public double[] gradients() {
    return gradients.clone();
  }
}

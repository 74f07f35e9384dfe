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

  /**
   * {@code b + w * x}, with b the parameter at {@code first} and w those behind it.
   *
   * @param input a vector that the loss is derived by too
   */
  Scalar affine(int first, SequenceScores input) {
    double sum = values[first];
    for (int k = 0; k < input.count(); k++) {
      sum += values[first + 1 + k] * input.value(k);
    }
    return Scalar.variable(
        sum,
        adjoint -> {
          gradients[first] += adjoint;
          for (int k = 0; k < input.count(); k++) {
            gradients[first + 1 + k] += adjoint * input.value(k);
            input.addGradient(k, adjoint * values[first + 1 + k]);
          }
        });
  }

  /** Adds derivatives that the model itself found, of the first parameters. */
  public void addGradients(float[] ofModel) {
    for (int i = 0; i < ofModel.length; i++) {
      gradients[i] += ofModel[i];
    }
  }

  /** Derivatives summed over the rows so far. */
  public double[] gradients() {
    return gradients.clone();
  }
}

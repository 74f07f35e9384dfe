package dev.collimate.objective;

/**
 * SimCSE's loss (Gao et al. 2021, arXiv:2104.08821, Equation 1) of the representations of a batch,
 * each read twice under dropout of its own: {@code -log(e^(cos(u_s, v_s) / T) / sum_i e^(cos(u_s,
 * v_i) / T))}, u and v the two readings.
 *
 * @param losses [s]
 * @param gradients [s][number] derivative of {@code sum_s weight_s * loss_s / weight_i} by the
 *     representation of row i: what row i has to add so that the weighted sum over the rows has the
 *     gradient of the whole
 */
record Contrast(double[] losses, double[][] gradients) {

  /** One of the two readings: its direction, its length, and what dropout left of it. */
  private record Reading(double[][] directions, double[] lengths, double[][] kept) {

    static Reading of(double[][] representations, double[][] kept) {
      double[][] directions = new double[representations.length][];
      double[] lengths = new double[representations.length];
      for (int s = 0; s < lengths.length; s++) {
        double[] read = representations[s].clone();
        double squares = 0;
        for (int k = 0; k < read.length; k++) {
          read[k] *= kept[s][k];
          squares += read[k] * read[k];
        }
        // Nothing at all has no direction: its cosines are 0, and so is its gradient.
        lengths[s] = squares > 0 ? StrictMath.sqrt(squares) : 1;
        for (int k = 0; k < read.length; k++) {
          read[k] /= lengths[s];
        }
        directions[s] = read;
      }
      return new Reading(directions, lengths, kept);
    }

    /** Adds {@code scale * d cos(this s, other) / d representation s}. */
    void add(int s, double[] other, double cosine, double scale, double[] into) {
      double[] own = directions[s];
      for (int k = 0; k < own.length; k++) {
        into[k] += scale * (other[k] - cosine * own[k]) / lengths[s] * kept[s][k];
      }
    }
  }

  /**
   * Of representations [s][number].
   *
   * @param first [s][number] what dropout multiplies a number by in the first reading: 0, or one
   *     over the share that it keeps
   * @param second the same of the second reading
   * @param weights of the rows
   */
  static Contrast of(
      double[][] representations,
      double[][] first,
      double[][] second,
      double[] weights,
      double temperature) {
    int count = representations.length;
    Reading u = Reading.of(representations, first);
    Reading v = Reading.of(representations, second);
    double[] losses = new double[count];
    double[][] gradients = new double[count][];
    for (int s = 0; s < count; s++) {
      gradients[s] = new double[representations[s].length];
    }
    for (int s = 0; s < count; s++) {
      double[] cosines = new double[count];
      double most = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < count; i++) {
        cosines[i] = product(u.directions()[s], v.directions()[i]);
        most = Math.max(most, cosines[i] / temperature);
      }
      double sum = 0;
      for (double cosine : cosines) {
        sum += StrictMath.exp(cosine / temperature - most);
      }
      losses[s] = StrictMath.log(sum) + most - cosines[s] / temperature;
      for (int i = 0; i < count; i++) {
        double share = StrictMath.exp(cosines[i] / temperature - most) / sum;
        double slope = (share - (i == s ? 1 : 0)) / temperature;
        u.add(s, v.directions()[i], cosines[i], slope, gradients[s]);
        v.add(i, u.directions()[s], cosines[i], slope * weights[s] / weights[i], gradients[i]);
      }
    }
    return new Contrast(losses, gradients);
  }

  private static double product(double[] one, double[] other) {
    double product = 0;
    for (int k = 0; k < one.length; k++) {
      product += one[k] * other[k];
    }
    return product;
  }
}

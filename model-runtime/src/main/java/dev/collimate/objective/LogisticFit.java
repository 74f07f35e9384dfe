package dev.collimate.objective;

import java.util.List;

/**
 * Logistic regression as scikit-learn's {@code LogisticRegression(class_weight="balanced")} has it:
 * the minimum of {@code |w|^2 / 2 + sum_i s_i * log(1 + e^(-y_i * (w * x_i + b)))}, where {@code
 * s_i} makes both classes count alike, {@code n / (2 * n_class)}. It is strictly convex; Newton's
 * method with halved steps finds it to rounding, the same bits wherever it runs.
 */
final class LogisticFit {

  private static final int MOST_STEPS = 100;
  private static final double PRECISION = 1e-22;

  private final List<double[]> points;
  private final boolean[] isPositive;
  private final double[] weights;

  /** The intercept, then the coefficients. */
  private double[] solution;

  private LogisticFit(List<double[]> points, boolean[] isPositive) {
    this.points = points;
    this.isPositive = isPositive;
    int positives = 0;
    for (boolean positive : isPositive) {
      positives += positive ? 1 : 0;
    }
    weights = new double[isPositive.length];
    for (int i = 0; i < weights.length; i++) {
      int ofClass = isPositive[i] ? positives : isPositive.length - positives;
      weights[i] = isPositive.length / (2.0 * ofClass);
    }
    solution = new double[1 + points.get(0).length];
  }

  /**
   * Fits.
   *
   * @param points of equal lengths, some of either class
   * @return the intercept, then a coefficient for each number of a point
   */
  static double[] of(List<double[]> points, boolean[] isPositive) {
    LogisticFit fit = new LogisticFit(points, isPositive);
    int steps = 0;
    while (steps < MOST_STEPS && fit.improve()) {
      steps++;
    }
    return fit.solution;
  }

  /** {@code b + w * x} of a fit. */
  static double logit(double[] fit, double[] point) {
    double logit = fit[0];
    for (int k = 0; k < point.length; k++) {
      logit += fit[1 + k] * point[k];
    }
    return logit;
  }

  /** One step of Newton's method; false where the minimum is reached. */
  private boolean improve() {
    int size = solution.length;
    double[] gradient = new double[size];
    double[][] hessian = new double[size][size];
    for (int k = 1; k < size; k++) {
      gradient[k] = solution[k];
      hessian[k][k] = 1;
    }
    for (int i = 0; i < weights.length; i++) {
      double[] point = points.get(i);
      double logit = logit(solution, point);
      double slope = weights[i] * (Scalar.sigmoid(logit) - (isPositive[i] ? 1 : 0));
      double curvature = weights[i] * Scalar.sigmoid(logit) * Scalar.sigmoid(-logit);
      for (int k = 0; k < size; k++) {
        double atK = k == 0 ? 1 : point[k - 1];
        gradient[k] += slope * atK;
        for (int m = 0; m <= k; m++) {
          hessian[k][m] += curvature * atK * (m == 0 ? 1 : point[m - 1]);
        }
      }
    }
    double[] direction = solved(hessian, gradient);
    double decrease = 0;
    for (int k = 0; k < size; k++) {
      decrease += gradient[k] * direction[k];
    }
    if (!(decrease > PRECISION)) {
      return false;
    }
    double before = cost(solution);
    for (double step = 1; step > 1e-6; step /= 2) {
      double[] next = solution.clone();
      for (int k = 0; k < size; k++) {
        next[k] -= step * direction[k];
      }
      if (cost(next) < before) {
        solution = next;
        return true;
      }
    }
    return false;
  }

  private double cost(double[] at) {
    double cost = 0;
    for (int k = 1; k < at.length; k++) {
      cost += at[k] * at[k] / 2;
    }
    for (int i = 0; i < weights.length; i++) {
      double logit = logit(at, points.get(i));
      cost -= weights[i] * Scalar.logSigmoid(isPositive[i] ? logit : -logit);
    }
    return cost;
  }

  /**
   * Solves by Cholesky's decomposition, which takes the matrix's place.
   *
   * @param matrix symmetric and positive; its lower half is read. The intercept's curvature can
   *     vanish where all is told apart; the least that keeps it positive is added there
   */
  private static double[] solved(double[][] matrix, double[] right) {
    int size = right.length;
    double[] solved = right.clone();
    for (int k = 0; k < size; k++) {
      for (int m = 0; m <= k; m++) {
        double sum = matrix[k][m];
        for (int j = 0; j < m; j++) {
          sum -= matrix[k][j] * matrix[m][j];
        }
        matrix[k][m] = k == m ? StrictMath.sqrt(Math.max(sum, 1e-12)) : sum / matrix[m][m];
      }
      for (int m = 0; m < k; m++) {
        solved[k] -= matrix[k][m] * solved[m];
      }
      solved[k] /= matrix[k][k];
    }
    for (int k = size - 1; k >= 0; k--) {
      for (int m = k + 1; m < size; m++) {
        solved[k] -= matrix[m][k] * solved[m];
      }
      solved[k] /= matrix[k][k];
    }
    return solved;
  }
}

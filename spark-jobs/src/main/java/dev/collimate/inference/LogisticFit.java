package dev.collimate.inference;

import java.util.Arrays;

/**
 * Logistic regression on pairs without an intercept: the weights w that make {@code C * sum of
 * log(1 + e^(-w.d)) + penalty(w)} least over the pairs' differences d, chosen side less rejected
 * one; scikit-learn's objective. Newton's steps, each of whose quadratic models is solved by
 * coordinate descent; the same bits on every machine.
 *
 * @param penalty of the weights
 * @param c inverse strength of the penalty
 * @param isMonotone whether no weight may be below 0
 */
record LogisticFit(Penalty penalty, double c, boolean isMonotone) {

  private static final int STEPS = 100;
  private static final int SWEEPS = 10_000;
  private static final double TOLERANCE = 1e-12;
  private static final double RIDGE = 1e-12;

  enum Penalty {
    /** The sum of absolute weights, which makes useless ones 0. */
    L1,
    /** Half the sum of squares. */
    L2
  }

  /**
   * The weights.
   *
   * @param differences [pair][feature]
   * @return [feature]
   */
  double[] weights(double[][] differences) {
    double[] weights = new double[differences[0].length];
    double least = loss(differences, weights);
    for (int step = 0; step < STEPS; step++) {
      double[] direction = direction(differences, weights);
      double scale = 1;
      double[] next = moved(weights, direction, scale);
      double loss = loss(differences, next);
      while (!(loss <= least) && scale > TOLERANCE) {
        scale /= 2;
        next = moved(weights, direction, scale);
        loss = loss(differences, next);
      }
      double gained = least - loss;
      if (!(gained >= 0)) {
        return weights;
      }
      weights = next;
      least = loss;
      if (gained <= TOLERANCE * Math.max(1, Math.abs(least))) {
        return weights;
      }
    }
    return weights;
  }

  /** To the least of the quadratic model of the likelihood, with the penalty itself. */
  private double[] direction(double[][] differences, double[] weights) {
    int features = weights.length;
    double[] gradient = new double[features];
    double[][] hessian = new double[features][features];
    for (double[] difference : differences) {
      double p = sigmoid(dot(weights, difference));
      for (int i = 0; i < features; i++) {
        gradient[i] -= c * (1 - p) * difference[i];
        for (int j = 0; j < features; j++) {
          hessian[i][j] += c * p * (1 - p) * difference[i] * difference[j];
        }
      }
    }
    double[] delta = new double[features];
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
      double most = 0;
      for (int i = 0; i < features; i++) {
        double slope = gradient[i] + dot(hessian[i], delta) - hessian[i][i] * delta[i];
        double curvature = hessian[i][i] + RIDGE;
        // The least over w of slope * (w - weights) + curvature / 2 * (w - weights)^2 + penalty(w).
        double free = curvature * weights[i] - slope;
        double at =
            penalty == Penalty.L2
                ? free / (curvature + 1)
                : Math.signum(free) * Math.max(0, Math.abs(free) - 1) / curvature;
        double next = (isMonotone ? Math.max(0, at) : at) - weights[i];
        most = Math.max(most, Math.abs(next - delta[i]));
        delta[i] = next;
      }
      if (most < TOLERANCE) {
        break;
      }
    }
    return delta;
  }

  private double loss(double[][] differences, double[] weights) {
    double loss = 0;
    for (double[] difference : differences) {
      double margin = dot(weights, difference);
      loss += c * (Math.max(0, -margin) + StrictMath.log1p(StrictMath.exp(-Math.abs(margin))));
    }
    for (double weight : weights) {
      loss += penalty == Penalty.L2 ? weight * weight / 2 : Math.abs(weight);
    }
    return loss;
  }

  private static double[] moved(double[] weights, double[] direction, double scale) {
    double[] moved = weights.clone();
    for (int i = 0; i < moved.length; i++) {
      moved[i] += scale * direction[i];
    }
    return moved;
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  static double sigmoid(double x) {
    double small = StrictMath.exp(-Math.abs(x));
    return x >= 0 ? 1 / (1 + small) : small / (1 + small);
  }

  /** Part of the pairs whose chosen side has the greater sum. */
  static double accuracy(double[][] differences, double[] weights) {
    return (double) Arrays.stream(differences).filter(d -> dot(weights, d) > 0).count()
        / differences.length;
  }
}

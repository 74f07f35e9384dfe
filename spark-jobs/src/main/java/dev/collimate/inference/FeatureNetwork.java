package dev.collimate.inference;

import dev.collimate.random.CounterRandom;
import java.util.Arrays;

/**
 * A reward from features by one hidden layer: {@code r(z) = v . tanh(W z + b)}, of at most a few
 * hundred numbers, so a few hundred pairs are enough.
 *
 * @param weights [unit][feature]
 * @param bias [unit]
 * @param output [unit]
 */
record FeatureNetwork(double[][] weights, double[] bias, double[] output) {

  private static final int STEPS = 2_000;
  private static final double LEARNING_RATE = 0.01;
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  /**
   * Fits to pairs by Bradley and Terry's loss, {@code mean of log(1 + e^(r_rejected - r_chosen)) +
   * decay / 2 * |parameters|^2}: {@value #STEPS} steps of Adam over all pairs.
   *
   * @param chosen [pair][feature] standardised, as {@code rejected}
   * @param isMonotone whether a greater feature never lowers the reward: no weight below 0
   */
  static FeatureNetwork fit(
      double[][] chosen,
      double[][] rejected,
      int hidden,
      double decay,
      boolean isMonotone,
      long seed) {
    int features = chosen[0].length;
    double[] at = initial(hidden, features, isMonotone, seed);
    double[] mean = new double[at.length];
    double[] square = new double[at.length];
    for (int step = 1; step <= STEPS; step++) {
      double[] gradient = gradient(at, hidden, features, chosen, rejected);
      for (int i = 0; i < at.length; i++) {
        double g = gradient[i] + decay * at[i];
        mean[i] = BETA1 * mean[i] + (1 - BETA1) * g;
        square[i] = BETA2 * square[i] + (1 - BETA2) * g * g;
        double m = mean[i] / (1 - StrictMath.pow(BETA1, step));
        double s = square[i] / (1 - StrictMath.pow(BETA2, step));
        at[i] -= LEARNING_RATE * m / (Math.sqrt(s) + EPSILON);
        boolean isBias = i >= hidden * features && i < hidden * (features + 1);
        if (isMonotone && !isBias) {
          at[i] = Math.max(0, at[i]);
        }
      }
    }
    return of(at, hidden, features);
  }

  private static double[] initial(int hidden, int features, boolean isMonotone, long seed) {
    CounterRandom random = CounterRandom.of(seed, "feature-reward");
    double[] parameters = new double[hidden * (features + 2)];
    for (int i = 0; i < parameters.length; i++) {
      double drawn = random.normal(i) / Math.sqrt(i < hidden * features ? features : hidden);
      boolean isBias = i >= hidden * features && i < hidden * (features + 1);
      parameters[i] = isBias ? 0 : isMonotone ? Math.abs(drawn) : drawn;
    }
    return parameters;
  }

  /** Weights by unit, then biases, then the output's weights. */
  private static FeatureNetwork of(double[] parameters, int hidden, int features) {
    double[][] weights = new double[hidden][];
    for (int unit = 0; unit < hidden; unit++) {
      weights[unit] = Arrays.copyOfRange(parameters, unit * features, (unit + 1) * features);
    }
    int afterWeights = hidden * features;
    return new FeatureNetwork(
        weights,
        Arrays.copyOfRange(parameters, afterWeights, afterWeights + hidden),
        Arrays.copyOfRange(parameters, afterWeights + hidden, parameters.length));
  }

  private static double[] gradient(
      double[] at, int hidden, int features, double[][] chosen, double[][] rejected) {
    FeatureNetwork network = of(at, hidden, features);
    double[] gradient = new double[at.length];
    for (int pair = 0; pair < chosen.length; pair++) {
      double margin = network.reward(chosen[pair]) - network.reward(rejected[pair]);
      double slope = -LogisticFit.sigmoid(-margin) / chosen.length;
      network.add(slope, chosen[pair], gradient);
      network.add(-slope, rejected[pair], gradient);
    }
    return gradient;
  }

  double reward(double[] features) {
    double reward = 0;
    for (int unit = 0; unit < output.length; unit++) {
      reward += output[unit] * activation(unit, features);
    }
    return reward;
  }

  private double activation(int unit, double[] features) {
    return StrictMath.tanh(LogisticFit.dot(weights[unit], features) + bias[unit]);
  }

  /** Adds the reward's derivatives, times a factor. */
  private void add(double factor, double[] features, double[] gradient) {
    int units = output.length;
    for (int unit = 0; unit < units; unit++) {
      double activation = activation(unit, features);
      double inner = factor * output[unit] * (1 - activation * activation);
      for (int i = 0; i < features.length; i++) {
        gradient[unit * features.length + i] += inner * features[i];
      }
      gradient[units * features.length + unit] += inner;
      gradient[units * (features.length + 1) + unit] += factor * activation;
    }
  }
}

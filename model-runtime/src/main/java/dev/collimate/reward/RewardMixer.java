package dev.collimate.reward;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The weights of several rewards by the prompt, learnt from the rewards of answers that people
 * preferred: PRO, "Preference Orchestrator", as its public reviews restate it (experimental: the
 * normalisation, and the direction of the divergence, are read into them).
 *
 * <p>Reward k is normalised over the training set, {@code n_k = (r_k - mean_k) / std_k}; the
 * weights that a preferred answer y asks for are {@code w*_k = softmax_k(n_k(x, y) / T)}; a linear
 * softmax of the prompt's features, {@code f(x) = softmax(A x + b)}, is fitted to them by {@code
 * mean KL(w* || f)}; and a completion is worth {@code sum_k f_k(x) n_k}. Large rewards of one model
 * say nothing about another's, hence the normalisation; at a small T targets become one reward
 * alone; and a harmful prompt may well get a low weight of harmlessness.
 *
 * @param means [rewards]
 * @param deviations [rewards], of the population; 1 where a reward never varies
 * @param matrix [rewards][features + 1]; the last column is the bias
 */
public record RewardMixer(double[] means, double[] deviations, double[][] matrix) {

  /** Steps of the fit, and the weight of the squared matrix that makes its minimum the only one. */
  private static final int STEPS = 500;

  private static final double DECAY = 1e-4;

  /** An answer that was preferred. */
  public record Preferred(double[] features, double[] rewards) {}

  /**
   * Fits a mixer.
   *
   * @param rows of as many features and as many rewards each, at least one row
   * @param temperature of the targets, above 0
   */
  public static RewardMixer fit(List<Preferred> rows, double temperature) {
    int rewards = rows.get(0).rewards().length;
    double[] means =
        IntStream.range(0, rewards)
            .mapToDouble(
                k -> rows.stream().mapToDouble(row -> row.rewards()[k]).sum() / rows.size())
            .toArray();
    double[] deviations =
        IntStream.range(0, rewards).mapToDouble(k -> deviation(rows, k, means[k])).toArray();
    double[][] zero = new double[rewards][rows.get(0).features().length + 1];
    RewardMixer scales = new RewardMixer(means, deviations, zero);
    double[][] targets =
        rows.stream()
            .map(row -> softmax(scales.normalised(row.rewards()), temperature))
            .toArray(double[][]::new);
    return new RewardMixer(means, deviations, descend(rows, targets, zero));
  }

  private static double deviation(List<Preferred> rows, int k, double mean) {
    double squares =
        rows.stream()
            .mapToDouble(row -> (row.rewards()[k] - mean) * (row.rewards()[k] - mean))
            .sum();
    double deviation = StrictMath.sqrt(squares / rows.size());
    return deviation == 0 ? 1 : deviation;
  }

  /** Nesterov's method at the step that the features' size allows; the problem is convex. */
  private static double[][] descend(List<Preferred> rows, double[][] targets, double[][] start) {
    double squares =
        rows.stream()
            .mapToDouble(row -> 1 + Arrays.stream(row.features()).map(x -> x * x).sum())
            .max()
            .orElse(1);
    double step = 1 / (squares / 2 + DECAY);
    double[][] now = start;
    double[][] before = start;
    for (int t = 0; t < STEPS; t++) {
      double[][] ahead = combined(now, before, t / (t + 3.0));
      double[][] gradient = gradient(rows, targets, ahead);
      double[][] next = stepped(ahead, gradient, step);
      before = now;
      now = next;
    }
    return now;
  }

  /** {@code a + momentum * (a - b)}. */
  private static double[][] combined(double[][] a, double[][] b, double momentum) {
    return each(a, (k, j) -> a[k][j] + momentum * (a[k][j] - b[k][j]));
  }

  /** One step down, with decay. */
  private static double[][] stepped(double[][] from, double[][] gradient, double step) {
    return each(from, (k, j) -> from[k][j] - step * (gradient[k][j] + DECAY * from[k][j]));
  }

  @FunctionalInterface
  private interface Entry {
    double at(int row, int column);
  }

  private static double[][] each(double[][] shape, Entry entry) {
    double[][] made = new double[shape.length][shape[0].length];
    for (int k = 0; k < made.length; k++) {
      for (int j = 0; j < made[k].length; j++) {
        made[k][j] = entry.at(k, j);
      }
    }
    return made;
  }

  /** Of the mean divergence: {@code (f - w*) (x, 1)}. */
  private static double[][] gradient(List<Preferred> rows, double[][] targets, double[][] matrix) {
    double[][] gradient = new double[matrix.length][matrix[0].length];
    for (int i = 0; i < targets.length; i++) {
      double[] x = rows.get(i).features();
      double[] weights = weights(matrix, x);
      for (int k = 0; k < matrix.length; k++) {
        double error = (weights[k] - targets[i][k]) / targets.length;
        for (int j = 0; j < x.length; j++) {
          gradient[k][j] += error * x[j];
        }
        gradient[k][x.length] += error;
      }
    }
    return gradient;
  }

  /**
   * The weights for a prompt.
   *
   * @return [rewards], above 0, of sum 1
   */
  public double[] weights(double[] features) {
    return weights(matrix, features);
  }

  private static double[] weights(double[][] matrix, double[] x) {
    double[] logits = new double[matrix.length];
    for (int k = 0; k < logits.length; k++) {
      logits[k] = matrix[k][x.length];
      for (int j = 0; j < x.length; j++) {
        logits[k] += matrix[k][j] * x[j];
      }
    }
    return softmax(logits, 1);
  }

  /** Each reward as so many deviations from its mean over the training set. */
  public double[] normalised(double[] rewards) {
    return IntStream.range(0, rewards.length)
        .mapToDouble(k -> (rewards[k] - means[k]) / deviations[k])
        .toArray();
  }

  /** What a completion of the prompt is worth. */
  public double mixed(double[] features, double[] rewards) {
    double[] weights = weights(features);
    double[] normalised = normalised(rewards);
    return IntStream.range(0, weights.length).mapToDouble(k -> weights[k] * normalised[k]).sum();
  }

  static double[] softmax(double[] values, double temperature) {
    double most = Arrays.stream(values).max().orElse(0);
    double[] powers =
        Arrays.stream(values).map(v -> StrictMath.exp((v - most) / temperature)).toArray();
    double sum = Arrays.stream(powers).sum();
    return Arrays.stream(powers).map(power -> power / sum).toArray();
  }
}

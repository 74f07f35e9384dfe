package dev.collimate.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.inference.LogisticFit.Penalty;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * A reward that is computed from named features of an answer: {@code sum_k w_k * (f_k - mean_k) /
 * std_k} (compositional preference models, Go et al. 2023, arXiv:2310.13011), or by a small network
 * of the standardised features (Nath et al. 2024, arXiv:2402.15473).
 *
 * @param features names, in the order of the numbers
 * @param means [feature] over both sides of all pairs
 * @param deviations [feature] likewise, a little above 0
 * @param weights [feature]; empty where there is a network
 * @param network where there is one; else absent
 */
record FeatureReward(
    List<String> features, double[] means, double[] deviations, double[] weights, Network network)
    implements Serializable {

  private static final long serialVersionUID = 1L;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What the authors' code adds to a deviation. */
  private static final double LEAST_DEVIATION = 1e-7;

  private static final int FOLDS = 8;

  /** scikit-learn's {@code logspace(-5, 5, 12)}. */
  private static final int STRENGTHS = 12;

  /** A {@link FeatureNetwork} as it is stored. */
  record Network(double[][] weights, double[] bias, double[] output) implements Serializable {
    private static final long serialVersionUID = 1L;

    FeatureNetwork open() {
      return new FeatureNetwork(weights, bias, output);
    }
  }

  /**
   * How a reward is fitted.
   *
   * @param hidden units of a network's layer; 0: none, the reward is linear
   * @param c inverse strength of the penalty; empty: chosen by cross-validation, linear ones alone
   */
  record Fit(int hidden, Penalty penalty, OptionalDouble c, boolean isMonotone, long seed) {}

  /**
   * What came of a fit.
   *
   * @param c the inverse strength that was used
   * @param heldOutAccuracy over the folds of the cross-validation; empty without one
   */
  record Fitted(FeatureReward reward, double c, OptionalDouble heldOutAccuracy) {}

  /**
   * Fits to pairs.
   *
   * @param chosen [pair][feature]
   * @param rejected likewise
   */
  static Fitted fit(List<String> features, double[][] chosen, double[][] rejected, Fit fit) {
    double[] means = new double[features.size()];
    double[] deviations = new double[features.size()];
    for (int k = 0; k < means.length; k++) {
      double sum = 0;
      for (int i = 0; i < chosen.length; i++) {
        sum += chosen[i][k] + rejected[i][k];
      }
      means[k] = sum / (2 * chosen.length);
      double squares = 0;
      for (int i = 0; i < chosen.length; i++) {
        squares += squared(chosen[i][k] - means[k]) + squared(rejected[i][k] - means[k]);
      }
      deviations[k] = Math.sqrt(squares / (2 * chosen.length)) + LEAST_DEVIATION;
    }
    double[][] better = standardised(chosen, means, deviations);
    double[][] worse = standardised(rejected, means, deviations);
    if (fit.hidden() > 0) {
      double c = fit.c().orElse(Double.POSITIVE_INFINITY);
      FeatureNetwork network =
          FeatureNetwork.fit(
              better, worse, fit.hidden(), 1 / (c * chosen.length), fit.isMonotone(), fit.seed());
      Network stored = new Network(network.weights(), network.bias(), network.output());
      return new Fitted(
          new FeatureReward(features, means, deviations, new double[0], stored),
          c,
          OptionalDouble.empty());
    }
    double[][] differences = differences(better, worse);
    OptionalDouble heldOut = OptionalDouble.empty();
    double c;
    if (fit.c().isPresent()) {
      c = fit.c().getAsDouble();
    } else {
      double[] best = crossValidated(differences, fit);
      c = best[0];
      heldOut = OptionalDouble.of(best[1]);
    }
    double[] weights = new LogisticFit(fit.penalty(), c, fit.isMonotone()).weights(differences);
    return new Fitted(new FeatureReward(features, means, deviations, weights, null), c, heldOut);
  }

  /** The strength with the best mean accuracy on the folds that it was not fitted to, and that. */
  private static double[] crossValidated(double[][] differences, Fit fit) {
    if (differences.length < FOLDS) {
      throw CollimateException.data(
          "--data: cross-validation needs at least %d pairs, there are %d; give --c"
              .formatted(FOLDS, differences.length));
    }
    double[] best = {0, -1};
    for (int strength = 0; strength < STRENGTHS; strength++) {
      double c = StrictMath.pow(10, -5 + 10.0 * strength / (STRENGTHS - 1));
      double sum = 0;
      for (int fold = 0; fold < FOLDS; fold++) {
        double[] weights =
            new LogisticFit(fit.penalty(), c, fit.isMonotone())
                .weights(part(differences, fold, /* isFold= */ false));
        sum += LogisticFit.accuracy(part(differences, fold, /* isFold= */ true), weights);
      }
      if (sum / FOLDS > best[1]) {
        best = new double[] {c, sum / FOLDS};
      }
    }
    return best;
  }

  /** Every eighth pair, or the others. */
  private static double[][] part(double[][] pairs, int fold, boolean isFold) {
    return IntStream.range(0, pairs.length)
        .filter(i -> (i % FOLDS == fold) == isFold)
        .mapToObj(i -> pairs[i])
        .toArray(double[][]::new);
  }

  private static double squared(double x) {
    return x * x;
  }

  private static double[][] standardised(double[][] rows, double[] means, double[] deviations) {
    return Arrays.stream(rows)
        .map(row -> standardised(row, means, deviations))
        .toArray(double[][]::new);
  }

  private static double[] standardised(double[] row, double[] means, double[] deviations) {
    double[] z = new double[row.length];
    for (int k = 0; k < z.length; k++) {
      z[k] = (row[k] - means[k]) / deviations[k];
    }
    return z;
  }

  private static double[][] differences(double[][] better, double[][] worse) {
    double[][] differences = new double[better.length][];
    for (int i = 0; i < differences.length; i++) {
      differences[i] = new double[better[i].length];
      for (int k = 0; k < better[i].length; k++) {
        differences[i][k] = better[i][k] - worse[i][k];
      }
    }
    return differences;
  }

  /**
   * The reward of an answer.
   *
   * @param values [feature] as they are, not standardised
   */
  double of(double[] values) {
    double[] z = standardised(values, means, deviations);
    return network == null ? LogisticFit.dot(weights, z) : network.open().reward(z);
  }

  /** The weights by name, signed; none of a network. */
  Optional<Map<String, Double>> weightsByName() {
    if (network != null) {
      return Optional.empty();
    }
    Map<String, Double> byName = new LinkedHashMap<>();
    for (int k = 0; k < weights.length; k++) {
      byName.put(features.get(k), weights[k]);
    }
    return Optional.of(byName);
  }

  byte[] toJson() {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of numbers becomes JSON", e);
    }
  }

  /**
   * Reads a stored one.
   *
   * @throws CollimateException (usage) where it is none
   */
  static FeatureReward ofJson(String key, byte[] json) {
    try {
      FeatureReward reward = JSON.readValue(json, FeatureReward.class);
      int count = reward.features().size();
      boolean isWhole =
          count > 0
              && reward.means().length == count
              && reward.deviations().length == count
              && (reward.network() != null || reward.weights().length == count);
      if (isWhole) {
        return reward;
      }
    } catch (IOException | NullPointerException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          key + ": is no feature reward, which features fit writes: " + e.getMessage(),
          e);
    }
    throw CollimateException.usage(key + ": is no feature reward, which features fit writes");
  }
}

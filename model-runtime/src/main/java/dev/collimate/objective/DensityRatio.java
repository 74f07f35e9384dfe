package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.text.NumberColumn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * BCO's matching of the prompts' distributions (Jung et al. 2024, arXiv:2404.04656, section 3.3) as
 * TRL's BCOTrainer has it: an undesirable row weighs {@code p / (1 - p + 1e-8)}, clamped, where p
 * is the probability, by a logistic regression on the prompts' embeddings, that the row's prompt is
 * one of a desirable row. It is fitted once, to a sample of either label. TRL draws the sample with
 * replacement; here it is the rows whose keys' hashes come first.
 */
record DensityRatio(NumberColumn column, int sample, double min, double max) {

  private static final double GUARD = 1e-8;

  /** Zeros for the numbers of a fit, as the state of an objective has them before there is one. */
  List<Double> unfitted() {
    return Collections.nCopies(1 + column.length(), 0.0);
  }

  /**
   * The regression's intercept and coefficients.
   *
   * @throws CollimateException of kind DATA where the rows have one label alone
   */
  double[] fit(TrainingRows rows) {
    List<double[]> points = new ArrayList<>();
    int desirable = add(rows, 1, points);
    int undesirable = add(rows, 0, points);
    if (desirable == 0 || undesirable == 0) {
      throw CollimateException.data(
          "objective.match_underlying_distribution: all training rows are %s, a density ratio needs both labels; leave the option out"
              .formatted(desirable == 0 ? "undesirable" : "desirable"));
    }
    boolean[] isDesirable = new boolean[points.size()];
    for (int i = 0; i < desirable; i++) {
      isDesirable[i] = true;
    }
    return LogisticFit.of(points, isDesirable);
  }

  /** Adds the sample of a label, and says how many that is. */
  private int add(TrainingRows rows, double label, List<double[]> points) {
    List<Integer> chosen =
        IntStream.range(0, rows.count())
            .filter(row -> rows.facts(row).label() == label)
            .boxed()
            .sorted(Comparator.comparing((Integer row) -> rows.facts(row).key()))
            .limit(sample)
            .toList();
    for (int row : chosen) {
      double[] point = new double[column.length()];
      for (int k = 0; k < point.length; k++) {
        point[k] = rows.scalar(column.scalar(k), row);
      }
      points.add(point);
    }
    return chosen.size();
  }

  /** The weight of an undesirable row with this embedding. */
  double weight(double[] fit, double[] embedding) {
    double logit = LogisticFit.logit(fit, embedding);
    double ratio = Scalar.sigmoid(logit) / (Scalar.sigmoid(-logit) + GUARD);
    return Math.min(Math.max(ratio, min), max);
  }
}

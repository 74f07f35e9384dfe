package dev.collimate.inference;

import java.util.List;

/**
 * What each answer to a prompt is worth beside the others. An answer with one reward is worth that;
 * where a general preference model gave vectors, an answer is worth the mean of its preference
 * scores {@code s(i > j) = sum_b (v_i[2b] * v_j[2b+1] - v_i[2b+1] * v_j[2b])} over all answers j,
 * itself included (Zhang et al. 2024, arXiv:2410.02197, Algorithm 1).
 */
final class Standing {

  private Standing() {}

  /**
   * Of every answer to a prompt.
   *
   * @param rewards [answer][number]; all of one length, 1 or even
   */
  static double[] of(List<double[]> rewards) {
    double[] standing = new double[rewards.size()];
    for (int i = 0; i < standing.length; i++) {
      double[] own = rewards.get(i);
      if (own.length == 1) {
        standing[i] = own[0];
        continue;
      }
      double sum = 0;
      for (double[] other : rewards) {
        sum += preference(own, other);
      }
      standing[i] = sum / standing.length;
    }
    return standing;
  }

  /** How much the first vector is preferred to the second. */
  static double preference(double[] first, double[] second) {
    double score = 0;
    for (int i = 0; i < first.length; i += 2) {
      score += first[i] * second[i + 1] - first[i + 1] * second[i];
    }
    return score;
  }
}

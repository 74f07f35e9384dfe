package dev.collimate.online;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which of a prompt's completions are trained on, by the rank of their reward: a reward model is
 * most to be trusted at the ends of its range (Policy Filtration in RLHF, arXiv:2409.06957).
 */
public enum PolicyFilter {
  /** All. */
  NONE,
  /** The best. */
  BON,
  /** The best, and the others together as much as it. */
  BR,
  /** The best and the worst. */
  BW;

  /**
   * Weights of a prompt's completions, relative to each other: 1 for the best.
   *
   * @param rewards [completion], NaN where it could not be judged. Of equal ones the first is best
   * @return [completion], 0 where it is not trained on; all 1 without a filter
   */
  public double[] weights(double[] rewards) {
    double[] weights = new double[rewards.length];
    if (this == NONE) {
      Arrays.fill(weights, 1);
      return weights;
    }
    List<Integer> ranked =
        IntStream.range(0, rewards.length)
            .filter(i -> !Double.isNaN(rewards[i]))
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -rewards[i]))
            .toList();
    for (int rank = 0; rank < ranked.size(); rank++) {
      weights[ranked.get(rank)] = ofRank(rank, ranked.size());
    }
    return weights;
  }

  private double ofRank(int rank, int count) {
    if (rank == 0) {
      return 1;
    }
    return switch (this) {
      case NONE -> 1;
      case BON -> 0;
      case BR -> 1.0 / (count - 1);
      case BW -> rank == count - 1 ? 1 : 0;
    };
  }

  /**
   * How well a straight line through the rewards predicts the true scores: the share of their
   * variance, of groups of completions with similar rewards. The filter with the highest one is to
   * be taken.
   *
   * @param rewards [completion]
   * @param scores [completion] true ones, such as tests that passed
   * @param weights [completion] of a filter; those of weight 0 do not take part
   * @param groups how many groups of equal weight the completions are put into; 0: each by itself
   */
  public static double rSquared(double[] rewards, double[] scores, double[] weights, int groups) {
    List<Point> points = new ArrayList<>();
    IntStream.range(0, rewards.length)
        .filter(i -> weights[i] > 0)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> rewards[i]))
        .forEach(i -> points.add(new Point(rewards[i], scores[i], weights[i])));
    List<Point> grouped = groups == 0 ? points : Point.grouped(points, groups);
    Point mean = Point.mean(grouped);
    double xx = 0;
    double xy = 0;
    double yy = 0;
    for (Point point : grouped) {
      xx += point.weight * (point.x - mean.x) * (point.x - mean.x);
      xy += point.weight * (point.x - mean.x) * (point.y - mean.y);
      yy += point.weight * (point.y - mean.y) * (point.y - mean.y);
    }
    return xx == 0 || yy == 0 ? 0 : xy * xy / (xx * yy);
  }

  private record Point(double x, double y, double weight) {

    static Point mean(List<Point> points) {
      double x = 0;
      double y = 0;
      double weight = 0;
      for (Point point : points) {
        x += point.weight * point.x;
        y += point.weight * point.y;
        weight += point.weight;
      }
      return new Point(x / weight, y / weight, weight);
    }

    static List<Point> grouped(List<Point> sorted, int groups) {
      double perGroup = sorted.stream().mapToDouble(Point::weight).sum() / groups;
      List<Point> means = new ArrayList<>();
      List<Point> group = new ArrayList<>();
      double weight = 0;
      for (Point point : sorted) {
        group.add(point);
        weight += point.weight;
        if (weight >= perGroup * (means.size() + 1) * (1 - 1e-12)) {
          means.add(mean(group));
          group.clear();
        }
      }
      if (!group.isEmpty()) {
        means.add(mean(group));
      }
      return means;
    }
  }
}

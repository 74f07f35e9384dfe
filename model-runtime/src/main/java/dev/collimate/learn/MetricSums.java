package dev.collimate.learn;

import dev.collimate.objective.RowLoss.Metric;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Metrics under way: numerators and denominators by name, so that means come out the same however
 * the rows are cut. Sums are double and taken in the order of the calls, so the same order gives
 * the same bits.
 */
public final class MetricSums {

  private record Sum(double sum, double weight) {
    Sum plus(Sum other) {
      if (weight == Metric.LEAST) {
        return new Sum(Math.min(sum, other.sum), weight);
      }
      if (weight == Metric.GREATEST) {
        return new Sum(Math.max(sum, other.sum), weight);
      }
      return new Sum(sum + other.sum, weight + other.weight);
    }
  }

  /** The weight of a count, which is reported as its sum. NaN stays NaN under addition. */
  private static final double COUNT = Double.NaN;

  private static final String CHOSEN_REWARD = "rewards/chosen";
  private static final String REJECTED_REWARD = "rewards/rejected";
  private static final String REWARD_MARGIN = "rewards/margins";

  private final Map<String, Sum> sums = new LinkedHashMap<>();

  /** Adds a share of a mean, or a number of which the least or greatest is reported. */
  public void add(String name, double sum, double weight) {
    sums.merge(name, new Sum(sum, weight), Sum::plus);
  }

  /** Adds to a count, which is reported as its sum. */
  public void count(String name, double amount) {
    add(name, amount, COUNT);
  }

  /** Adds all of the other's sums. */
  public void add(MetricSums other) {
    other.sums.forEach((name, sum) -> sums.merge(name, sum, Sum::plus));
  }

  /**
   * The mean so far, the count or the extreme; NaN where nothing was added. Where rows are judged
   * one by one, so that none has a margin, TRL's {@code rewards/margins} is that of the means.
   */
  public double value(String name) {
    Sum sum = sums.get(name);
    if (sum == null) {
      return name.equals(REWARD_MARGIN)
          ? value(CHOSEN_REWARD) - value(REJECTED_REWARD)
          : Double.NaN;
    }
    return Double.isFinite(sum.weight) ? sum.sum / sum.weight : sum.sum;
  }

  /** Means, counts and extremes by name, in the order in which the names came. */
  public Map<String, Double> values() {
    Map<String, Double> values = new LinkedHashMap<>();
    sums.keySet().forEach(name -> values.put(name, value(name)));
    if (sums.containsKey(CHOSEN_REWARD) && sums.containsKey(REJECTED_REWARD)) {
      values.putIfAbsent(REWARD_MARGIN, value(REWARD_MARGIN));
    }
    return values;
  }

  public void write(DataOutput out) throws IOException {
    out.writeInt(sums.size());
    for (Map.Entry<String, Sum> entry : sums.entrySet()) {
      out.writeUTF(entry.getKey());
      out.writeDouble(entry.getValue().sum);
      out.writeDouble(entry.getValue().weight);
    }
  }

  public static MetricSums read(DataInput in) throws IOException {
    MetricSums metrics = new MetricSums();
    for (int left = in.readInt(); left > 0; left--) {
      metrics.add(in.readUTF(), in.readDouble(), in.readDouble());
    }
    return metrics;
  }
}

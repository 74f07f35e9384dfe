package dev.collimate.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.stat.StatUtils;

/** Times of one arm of a comparison. */
final class Seconds {

  private final List<Double> measured = new ArrayList<>();

  void add(double seconds) {
    measured.add(seconds);
  }

  int count() {
    return measured.size();
  }

  double median() {
    return StatUtils.percentile(values(), 50);
  }

  /** Median, quartiles, extremes and how many there are. */
  Map<String, Object> summary() {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("median_seconds", median());
    summary.put("quartile_1", StatUtils.percentile(values(), 25));
    summary.put("quartile_3", StatUtils.percentile(values(), 75));
    summary.put("min", StatUtils.min(values()));
    summary.put("max", StatUtils.max(values()));
    summary.put("runs", measured.size());
    return summary;
  }

  private double[] values() {
    return measured.stream().mapToDouble(Double::doubleValue).toArray();
  }
}

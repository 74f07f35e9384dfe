package dev.collimate.objective;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Rollouts and online objectives as tests write them. */
final class JudgedRollouts {

  private JudgedRollouts() {}

  /**
   * @param options names and values, by turns
   */
  static Online online(String name, Object... options) {
    LinkedHashMap<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    return (Online) Objectives.create(name, values);
  }

  /** Completions of 1, 2 and on tokens; the last was cut. */
  static Judged rollout(int generations, double... rewards) {
    List<Judged.Completion> completions = new ArrayList<>();
    for (int i = 0; i < rewards.length; i++) {
      completions.add(
          new Judged.Completion(
              "prompt-" + i / generations,
              i % generations,
              new Sampled(new int[] {1}, new int[i + 1], i < rewards.length - 1, 8),
              new double[] {rewards[i]},
              new float[0],
              new float[0],
              new float[0]));
    }
    return new Judged(List.of("exact"), List.of(1.0), completions);
  }

  static Map<String, Double> metrics(Assessment assessment) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    assessment.metrics().forEach(each -> metrics.put(each.name(), each.sum() / each.weight()));
    return metrics;
  }
}

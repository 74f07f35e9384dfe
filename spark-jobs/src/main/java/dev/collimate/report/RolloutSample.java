package dev.collimate.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A completion that the policy wrote in training.
 *
 * @param rewards by label what each reward gave; NaN where it gave nothing
 * @param total their weighted sum; empty where the completion was lost
 * @param lost what lost it; empty where nothing did
 */
public record RolloutSample(
    long step,
    String prompt,
    String completion,
    Map<String, Double> rewards,
    Optional<Double> total,
    String lost) {

  public RolloutSample {
    rewards = new LinkedHashMap<>(rewards);
  }

  /** The total, or why there is none, as the page shows it. */
  String result() {
    return total.map(ReportNumbers::real).orElse(lost.replace('_', ' '));
  }

  /** Each reward as the page shows it; none where the total says it all. */
  List<String> parts() {
    return rewards.size() < 2
        ? List.of()
        : rewards.values().stream().map(r -> r.isNaN() ? "–" : ReportNumbers.real(r)).toList();
  }

  /** The labels of {@link #parts}. */
  List<String> labels() {
    return rewards.size() < 2 ? List.of() : List.copyOf(rewards.keySet());
  }
}

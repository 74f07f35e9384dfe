package dev.collimate.report;

import dev.collimate.report.Chart.Series;
import dev.collimate.report.Chart.Tone;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The charts that a metrics file gives. */
final class Charts {

  /** More points than a chart is wide only make the page heavy. */
  private static final int MAX_POINTS = 2_000;

  /** Counts and clocks, which make no curve. */
  private static final Set<String> NO_CURVE =
      Set.of(
          "step",
          "epoch",
          "num_tokens",
          "computed_tokens",
          "pairs_per_second",
          "workers",
          "releases");

  private static final Tone[] TONES = {
    Tone.FIRST, Tone.SECOND, Tone.THIRD, Tone.FOURTH, Tone.SIXTH
  };

  private final TreeMap<Long, Map<String, Double>> steps = new TreeMap<>();
  private final Set<String> names = new LinkedHashSet<>();
  private final Set<String> drawn = new LinkedHashSet<>();
  private final List<Chart> charts = new ArrayList<>();

  private Charts(List<Map<String, Object>> lines) {
    for (Map<String, Object> line : lines) {
      if (line.get("step") instanceof Number step) {
        Map<String, Double> values =
            steps.computeIfAbsent(step.longValue(), unused -> new LinkedHashMap<>());
        line.forEach(
            (name, value) -> {
              if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
                values.put(name, number.doubleValue());
                names.add(name);
              }
            });
      }
    }
  }

  /**
   * @param lines of metrics.jsonl: training lines and evaluations
   */
  static List<Chart> of(List<Map<String, Object>> lines) {
    return new Charts(lines).all();
  }

  private List<Chart> all() {
    if (steps.isEmpty()) {
      return List.of();
    }
    online();
    lines("Loss", "mean over each logging window", tone("loss", Tone.MAIN));
    lines(
        "Rewards",
        "beta times the log-ratio to the reference model",
        tone("rewards/chosen", Tone.CHOSEN),
        tone("rewards/rejected", Tone.REJECTED));
    lines(
        "Reward margin",
        "chosen minus rejected",
        tone("rewards/margins", Tone.MAIN),
        tone("margin", Tone.MAIN));
    lines(
        "Pair accuracy",
        "share of pairs whose chosen side has the higher reward",
        tone("rewards/accuracies", Tone.MAIN),
        tone("accuracy", Tone.MAIN));
    lines("Token accuracy", "share of counted tokens", tone("mean_token_accuracy", Tone.MAIN));
    lines(
        "Log-probabilities",
        "of whole completions",
        tone("logps/chosen", Tone.CHOSEN),
        tone("logps/rejected", Tone.REJECTED));
    lines("Gradient norm", "before clipping", tone("grad_norm", Tone.MAIN));
    lines("Learning rate", "", tone("learning_rate", Tone.MAIN));
    stepTime();
    lines(
        "Throughput", "tokens per second, prompts included", tone("tokens_per_second", Tone.MAIN));
    lines(
        "Logits",
        "mean over completion tokens and vocabulary",
        tone("logits/chosen", Tone.CHOSEN),
        tone("logits/rejected", Tone.REJECTED));
    for (String name : List.copyOf(names)) {
      if (!drawn.contains(name) && !hasNoCurve(name)) {
        lines(name, "", tone(name, Tone.MAIN));
      }
    }
    return List.copyOf(charts);
  }

  private static boolean hasNoCurve(String name) {
    return NO_CURVE.contains(name) || name.startsWith("eval_") || RewardCounts.isCount(name);
  }

  /** What objectives that learn from the policy's own completions report. */
  private void online() {
    lines("Reward", "weighted sum, mean over completions", tone("reward", Tone.MAIN));
    ofEachReward("Rewards", "mean of each reward", "/mean");
    lines("Reward spread", "standard deviation of the weighted sum", tone("reward_std", Tone.MAIN));
    ofEachReward("Spread of each reward", "standard deviation", "/std");
    lines(
        "Groups without a spread",
        "share of prompts whose completions all got the same reward, which teach nothing",
        tone("frac_reward_zero_std", Tone.MAIN));
    lines(
        "Completion length",
        "tokens",
        tone("completions/mean_length", Tone.MAIN),
        tone("completions/min_length", Tone.FIRST),
        tone("completions/max_length", Tone.FOURTH));
    lines(
        "Length of completions that ended",
        "tokens",
        tone("completions/mean_terminated_length", Tone.MAIN),
        tone("completions/min_terminated_length", Tone.FIRST),
        tone("completions/max_terminated_length", Tone.FOURTH));
    lines(
        "Truncated completions",
        "share cut at the longest length",
        tone("completions/clipped_ratio", Tone.MAIN));
    lines("Divergence from the reference", "per token", tone("kl", Tone.MAIN));
    lines(
        "Clipped ratios",
        "share of the policy's ratios that a clip holds",
        tone("clip_ratio/low_mean", Tone.CHOSEN),
        tone("clip_ratio/high_mean", Tone.REJECTED),
        tone("clip_ratio/region_mean", Tone.MAIN),
        tone("clip_ratio/low_min", Tone.FIRST),
        tone("clip_ratio/high_max", Tone.FOURTH));
    lines("Lost completions", "without a reward, not trained on", tone("rewards/lost", Tone.MAIN));
  }

  /** One chart of a number that every reward has; none where there is one reward alone. */
  private void ofEachReward(String title, String note, String suffix) {
    List<Metric> rewards = new ArrayList<>();
    for (String name : names) {
      if (name.startsWith("rewards/") && name.endsWith(suffix)) {
        rewards.add(tone(name, TONES[rewards.size() % TONES.length]));
      }
    }
    if (rewards.size() > 1) {
      lines(title, note, rewards.toArray(Metric[]::new));
    }
    rewards.forEach(reward -> drawn.add(reward.name()));
  }

  private record Metric(String name, Tone tone) {}

  private static Metric tone(String name, Tone tone) {
    return new Metric(name, tone);
  }

  /** A chart of the metrics that are there, held-out values beside them as points. */
  private void lines(String title, String note, Metric... metrics) {
    List<Series> series = new ArrayList<>();
    boolean single = metrics.length == 1;
    for (Metric metric : metrics) {
      String label = metric.name().substring(metric.name().indexOf('/') + 1);
      add(series, metric.name(), single ? "training" : label, metric.tone(), /* points= */ false);
      add(
          series,
          "eval_" + metric.name(),
          single ? "held out" : label + ", held out",
          single ? Tone.HELD_OUT : metric.tone(),
          /* points= */ true);
    }
    if (!series.isEmpty()) {
      charts.add(thin(new Chart(title, note, /* stacked= */ false, x(), series)));
    }
  }

  private void add(List<Series> series, String name, String label, Tone tone, boolean points) {
    if (names.contains(name)) {
      drawn.add(name);
      List<Double> values = steps.values().stream().map(step -> step.get(name)).toList();
      series.add(new Series(label, tone, points, values));
    }
  }

  /**
   * Where a step's time goes. Pushing overlaps computing, so only what it adds to the step is
   * drawn; what is left is waiting.
   */
  private void stepTime() {
    if (!names.contains("step_seconds")) {
      return;
    }
    StepTime parts = StepTime.of(names);
    drawn.add("step_seconds");
    drawn.addAll(StepTime.metrics());
    List<Double> x = new ArrayList<>();
    List<double[]> rows = new ArrayList<>();
    steps.forEach(
        (step, values) -> {
          if (values.containsKey("step_seconds")) {
            x.add((double) step);
            rows.add(parts.split(values));
          }
        });
    List<Series> series = new ArrayList<>();
    for (int i = 0; i < parts.labels().size(); i++) {
      int part = i;
      boolean isRest = i == parts.labels().size() - 1;
      List<Double> values = rows.stream().map(row -> row[part]).toList();
      series.add(
          new Series(
              parts.labels().get(i), isRest ? Tone.FIFTH : TONES[i], /* points= */ false, values));
    }
    charts.add(
        thin(new Chart("Step time", "seconds per step, by part", /* stacked= */ true, x, series)));
  }

  private List<Double> x() {
    return steps.keySet().stream().map(Long::doubleValue).toList();
  }

  /** Leaves every n-th point of lines out of a chart that is too dense; single points stay. */
  private static Chart thin(Chart chart) {
    int stride = (chart.x().size() + MAX_POINTS - 1) / MAX_POINTS;
    if (stride <= 1) {
      return chart;
    }
    boolean[] kept = new boolean[chart.x().size()];
    for (int i = 0; i < kept.length; i++) {
      int at = i;
      kept[i] =
          i % stride == 0
              || i == kept.length - 1
              || chart.series().stream()
                  .anyMatch(series -> series.points() && series.values().get(at) != null);
    }
    List<Series> series =
        chart.series().stream()
            .map(s -> new Series(s.label(), s.tone(), s.points(), select(s.values(), kept)))
            .toList();
    return new Chart(
        chart.title(),
        Stream.of(chart.note(), "one line of " + stride + " drawn")
            .filter(part -> !part.isEmpty())
            .reduce((a, b) -> a + "; " + b)
            .orElseThrow(),
        chart.stacked(),
        select(chart.x(), kept),
        series);
  }

  private static List<Double> select(List<Double> values, boolean[] kept) {
    Double[] selected = new Double[kept.length];
    int count = 0;
    for (int i = 0; i < kept.length; i++) {
      if (kept[i]) {
        selected[count++] = values.get(i);
      }
    }
    return Arrays.asList(Arrays.copyOf(selected, count));
  }
}

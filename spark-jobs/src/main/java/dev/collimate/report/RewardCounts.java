package dev.collimate.report;

import dev.collimate.reward.RewardFailure;
import dev.collimate.reward.RewardOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What became of the completions of a run at one of its rewards; every completion is in exactly one
 * of the counts.
 *
 * @param reward its label
 * @param mean of the last line that has one
 * @param completions how many there were
 * @param scored those with a number
 * @param notApplying those of which the reward says nothing
 * @param failed the others by kind of failure
 */
record RewardCounts(
    String reward,
    String mean,
    String completions,
    String scored,
    String notApplying,
    String failed) {

  private static final String PREFIX = "rewards/";
  private static final String MEAN = "mean";

  /** The counts that a line of metrics may have for a reward. */
  private static final Set<String> COUNTS =
      Stream.concat(
              Stream.of(RewardOutcome.SCORED, RewardOutcome.NOT_APPLYING),
              Stream.of(RewardFailure.Reason.values()).map(RewardFailure.Reason::code))
          .collect(Collectors.toUnmodifiableSet());

  /** Whether a metric is one of the counts. */
  static boolean isCount(String metric) {
    return metric.startsWith(PREFIX) && COUNTS.contains(last(metric));
  }

  private static String last(String metric) {
    return metric.substring(metric.lastIndexOf('/') + 1);
  }

  /** A row for each reward that completions were written for; none where there are none. */
  static List<RewardCounts> of(List<Map<String, Object>> lines) {
    Map<String, Map<String, Long>> counts = new TreeMap<>();
    Map<String, Object> means = new TreeMap<>();
    for (Map<String, Object> line : lines) {
      line.forEach(
          (name, value) -> {
            if (isCount(name) && value instanceof Number count) {
              counts
                  .computeIfAbsent(label(name), label -> new TreeMap<>())
                  .merge(last(name), count.longValue(), Long::sum);
            } else if (name.startsWith(PREFIX) && last(name).equals(MEAN)) {
              means.put(label(name), value);
            }
          });
    }
    List<RewardCounts> rows = new ArrayList<>();
    counts.forEach((label, of) -> rows.add(row(label, means.get(label), of)));
    return rows;
  }

  private static String label(String metric) {
    return metric.substring(PREFIX.length(), metric.lastIndexOf('/'));
  }

  private static RewardCounts row(String label, Object mean, Map<String, Long> counts) {
    Map<String, Long> failures = new TreeMap<>(counts);
    failures.keySet().removeAll(Set.of(RewardOutcome.SCORED, RewardOutcome.NOT_APPLYING));
    return new RewardCounts(
        label,
        ReportNumbers.of(mean),
        ReportNumbers.of(counts.values().stream().mapToLong(n -> n).sum()),
        ReportNumbers.of(counts.getOrDefault(RewardOutcome.SCORED, 0L)),
        ReportNumbers.of(counts.getOrDefault(RewardOutcome.NOT_APPLYING, 0L)),
        failures.isEmpty()
            ? "0"
            : failures.entrySet().stream()
                .map(f -> String.format(Locale.ROOT, "%,d %s", f.getValue(), words(f.getKey())))
                .collect(Collectors.joining(", ")));
  }

  private static String words(String code) {
    return code.replace('_', ' ');
  }
}

package dev.collimate.reward;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The rewards of a step's completions.
 *
 * @param labels of the run's rewards
 * @param weights theirs
 * @param rows one for each completion, in the order they were given
 * @param replayed whether they come from the journal
 * @param mismatch why the journal's page of the step was scored anew: the completions are not those
 *     that it is of, as may be where a run is not exact
 */
public record RewardOutcome(
    List<String> labels,
    List<Double> weights,
    List<RowReward> rows,
    boolean replayed,
    Optional<String> mismatch) {

  /** The reward gave a number. */
  public static final String SCORED = "scored";

  /** The reward says nothing of the row, which is no failure. */
  public static final String NOT_APPLYING = "does_not_apply";

  /** The label of what a mixer makes of the rewards. */
  public static final String MIXED = "prompt_adaptive";

  public RewardOutcome {
    labels = List.copyOf(labels);
    weights = List.copyOf(weights);
    rows = List.copyOf(rows);
  }

  /**
   * The same with one reward more, which alone counts: what the mixer makes of the others.
   *
   * @param rollouts that were scored
   */
  RewardOutcome mixedBy(PromptMixer mixer, List<Rollout> rollouts) {
    List<String> allLabels = new ArrayList<>(labels);
    allLabels.add(MIXED);
    List<Double> allWeights = new ArrayList<>(Collections.nCopies(labels.size(), 0.0));
    allWeights.add(1.0);
    List<RowReward> all = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      List<Double> values = new ArrayList<>(rows.get(i).values());
      values.add(mixer.mixed(rollouts.get(i).prompt(), values));
      all.add(new RowReward(values, rows.get(i).failures()));
    }
    return new RewardOutcome(allLabels, allWeights, all, replayed, mismatch);
  }

  /** How many rows are lost. */
  public int lost() {
    return (int) rows.stream().filter(RowReward::isLost).count();
  }

  /**
   * Lost rows by what lost them, such as {@code judge/timed_out}; a row counts once, with its first
   * failure, so that the counts add up to {@link #lost}.
   */
  public Map<String, Integer> lostBy() {
    Map<String, Integer> counts = new TreeMap<>();
    for (RowReward row : rows) {
      row.failure()
          .ifPresent(f -> counts.merge(f.label() + "/" + f.reason().code(), 1, Integer::sum));
    }
    return counts;
  }

  /**
   * What every reward said, by its label and then by {@link #SCORED}, {@link #NOT_APPLYING} or the
   * code of a {@link RewardFailure.Reason}: each completion counts once for each reward, so that
   * the counts of a label add up to the completions.
   */
  public Map<String, Map<String, Integer>> accounts() {
    Map<String, Map<String, Integer>> accounts = new LinkedHashMap<>();
    for (int i = 0; i < labels.size(); i++) {
      String label = labels.get(i);
      Map<String, Integer> counts = new TreeMap<>();
      for (RowReward row : rows) {
        String otherwise = Double.isNaN(row.values().get(i)) ? NOT_APPLYING : SCORED;
        String what =
            row.failures().stream()
                .filter(failure -> failure.label().equals(label))
                .findFirst()
                .map(failure -> failure.reason().code())
                .orElse(otherwise);
        counts.merge(what, 1, Integer::sum);
      }
      accounts.put(label, counts);
    }
    return accounts;
  }
}

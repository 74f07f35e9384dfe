package dev.collimate.reward;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * The rows of one call of a reward function, as TRL hands them over: lists of equal length, a place
 * for each completion.
 *
 * @param prompts as text
 * @param completions as text, without special tokens
 * @param completionIds [tokens] of each completion
 * @param columns the further columns of the prompts' rows by name; empty where a row has none
 */
public record RewardBatch(
    List<String> prompts,
    List<String> completions,
    List<int[]> completionIds,
    Map<String, List<Optional<String>>> columns) {

  public RewardBatch {
    prompts = List.copyOf(prompts);
    completions = List.copyOf(completions);
    completionIds = List.copyOf(completionIds);
    columns = Map.copyOf(columns);
  }

  /** The rows of these completions. */
  public static RewardBatch of(List<Rollout> rollouts) {
    TreeSet<String> names = new TreeSet<>();
    rollouts.forEach(rollout -> names.addAll(rollout.columns().keySet()));
    Map<String, List<Optional<String>>> columns = new LinkedHashMap<>();
    for (String name : names) {
      List<Optional<String>> column = new ArrayList<>();
      rollouts.forEach(rollout -> column.add(Optional.ofNullable(rollout.columns().get(name))));
      columns.put(name, List.copyOf(column));
    }
    return new RewardBatch(
        rollouts.stream().map(Rollout::prompt).toList(),
        rollouts.stream().map(Rollout::completion).toList(),
        rollouts.stream().map(Rollout::completionIds).toList(),
        columns);
  }

  public int size() {
    return completions.size();
  }

  /** A row's value of a column; empty where the row has none. */
  public Optional<String> column(String name, int row) {
    List<Optional<String>> column = columns.get(name);
    return column == null ? Optional.empty() : column.get(row);
  }
}

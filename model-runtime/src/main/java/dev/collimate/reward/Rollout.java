package dev.collimate.reward;

import java.util.Map;

/**
 * A completion that the policy wrote.
 *
 * @param promptKey the row key of its prompt
 * @param sample its number among the completions of the prompt, from 0
 * @param prompt as text, special tokens included
 * @param completion as text, without special tokens
 * @param completionIds [tokens], the end token included where there is one
 * @param ended whether it ends with an end token; else it was cut at the length limit
 * @param columns the further columns of the prompt's row by name; what is null there is missing
 */
public record Rollout(
    String promptKey,
    int sample,
    String prompt,
    String completion,
    int[] completionIds,
    boolean ended,
    Map<String, String> columns) {

  public Rollout {
    completionIds = completionIds.clone();
    columns = Map.copyOf(columns);
  }
}

package dev.collimate.train;

import dev.collimate.data.ShardReader;
import dev.collimate.objective.Sampled;
import dev.collimate.reward.Rollout;
import dev.collimate.text.Example;
import dev.collimate.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The prompts of a split as the driver reads them, for rewards and rollouts. */
final class PromptRows {

  private final ShardReader reader;
  private final Optional<Tokenizer> tokenizer;
  private final int maxCompletionLength;
  private final Set<String> leftOut;

  /**
   * @param reader stays open
   * @param tokenizer stays open; where there is none a text is the list of its ids
   * @param leftOut columns that rewards are not told
   */
  PromptRows(
      ShardReader reader,
      Optional<Tokenizer> tokenizer,
      int maxCompletionLength,
      List<String> leftOut) {
    this.reader = reader;
    this.leftOut = Set.copyOf(leftOut);
    this.tokenizer = tokenizer;
    this.maxCompletionLength = maxCompletionLength;
  }

  /** What rewards are told of a completion. */
  Rollout rollout(int row, int sample, Written written) {
    Example prompt = reader.rows(row).get(0);
    return new Rollout(
        prompt.key(),
        sample,
        tokenizer
            .map(present -> present.decode(ids(prompt)))
            .orElseGet(() -> Arrays.toString(ids(prompt))),
        tokenizer
            .map(present -> present.decodeSkippingSpecialTokens(written.ids()))
            .orElseGet(() -> Arrays.toString(written.ids())),
        written.ids(),
        written.ended(),
        columns(row));
  }

  private Map<String, String> columns(int row) {
    Map<String, String> columns = reader.columns(row);
    columns.keySet().removeAll(leftOut);
    return columns;
  }

  /** What the objective is told of it. */
  Sampled sampled(int row, Written written) {
    return new Sampled(
        ids(reader.rows(row).get(0)), written.ids(), written.ended(), maxCompletionLength);
  }

  /** The row's own answers, of each of the roles. */
  List<int[]> answers(int row, List<String> roles) {
    Example prompt = reader.rows(row).get(0);
    return roles.stream().map(role -> prompt.sequences().get(role).completion()).toList();
  }

  double weight(int row) {
    return reader.rows(row).get(0).weight();
  }

  private static int[] ids(Example prompt) {
    return prompt.sequences().get(Written.PROMPT).ids();
  }
}

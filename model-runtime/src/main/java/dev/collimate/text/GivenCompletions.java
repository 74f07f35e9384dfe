package dev.collimate.text;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Completions that rows of prompts bring along, written by another engine: as lists with an item
 * for each, {@code completions_input_ids} or, as texts, {@code completions}; {@code logprobs}, the
 * sampler's log-probability of every token; and {@code finish_reasons}, vLLM's words.
 *
 * @param count how many a row must have; 0 where rows bring none
 * @param maxLength most tokens of one
 * @param readsLogProbs whether a row must have {@code logprobs}
 * @param eos tokens that end a completion, where a row has no {@code finish_reasons}
 */
public record GivenCompletions(int count, int maxLength, boolean readsLogProbs, Set<Integer> eos)
    implements Serializable {

  /** Rows bring no completions. */
  public static final GivenCompletions NONE = new GivenCompletions(0, 0, false, Set.of());

  private static final String TEXTS = "completions";
  private static final String IDS = "completions_input_ids";
  private static final String LOG_PROBS = "logprobs";
  private static final String REASONS = "finish_reasons";

  /** The columns that are read. */
  public static final List<String> COLUMNS = List.of(TEXTS, IDS, LOG_PROBS, REASONS);

  private static final String STOPPED = "stop";

  /** What else may end a completion: its length, or the engine. */
  private static final Set<String> CUT = Set.of("length", "abort");

  private static final NumberColumn LOG_PROB = NumberColumn.required(LOG_PROBS).within("<= 0");

  /** Where texts become tokens; a row that needs a tokenizer where none is ends the run. */
  @FunctionalInterface
  interface Encoder {
    int[] completion(String text, boolean ended);
  }

  public GivenCompletions {
    // The order of an immutable set differs from one process to the next; the text must not.
    eos = Collections.unmodifiableSet(new TreeSet<>(eos));
  }

  boolean isNone() {
    return count == 0;
  }

  /**
   * Reads a row's completions.
   *
   * @throws Refusal where they cannot be trained on
   */
  List<GivenCompletion> of(RowReader row, Encoder encoder, int vocabularySize) throws Refusal {
    boolean isTokenized = row.has(IDS);
    if (!isTokenized && !row.has(TEXTS)) {
      throw new Refusal(
          Refusal.MISSING_COLUMN,
          ("rollout.source: data needs a list of %d completions, '%s' or '%s'; the row has %s."
                  + " Rows of one completion each are to be grouped by prompt")
              .formatted(count, IDS, TEXTS, row.present()));
    }
    String column = isTokenized ? IDS : TEXTS;
    List<RowReader> items = items(row, column);
    List<RowReader> reasons = row.has(REASONS) ? items(row, REASONS) : List.of();
    List<RowReader> logProbs = readsLogProbs ? items(row, LOG_PROBS) : List.of();
    List<GivenCompletion> completions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean isStopped = reasons.isEmpty() || isStopped(reasons.get(i));
      int[] ids =
          isTokenized
              ? items.get(i).ids(column, vocabularySize)
              : encoder.completion(items.get(i).text(column), isStopped);
      requireLength(column, i, ids.length);
      boolean ended =
          (reasons.isEmpty() && isTokenized) ? eos.contains(ids[ids.length - 1]) : isStopped;
      float[] ofTokens = readsLogProbs ? logProbs(logProbs.get(i), i, ids.length) : new float[0];
      completions.add(new GivenCompletion(ids, ofTokens, ended));
    }
    return completions;
  }

  /** The items of a list as rows of that column alone. */
  private List<RowReader> items(RowReader row, String column) throws Refusal {
    List<?> list = row.list(column);
    if (list.size() != count) {
      throw new Refusal(
          Refusal.COMPLETION_COUNT,
          "column '%s' has %d items, objective.num_generations is %d"
              .formatted(column, list.size(), count));
    }
    List<RowReader> items = new ArrayList<>();
    for (Object item : list) {
      items.add(new RowReader(Collections.singletonMap(column, item)));
    }
    return items;
  }

  private static boolean isStopped(RowReader reason) throws Refusal {
    String word = reason.text(REASONS);
    if (!word.equals(STOPPED) && !CUT.contains(word)) {
      throw new Refusal(
          Refusal.WRONG_TYPE,
          "column '%s' has '%s', 'stop', 'length' or 'abort' is expected".formatted(REASONS, word));
    }
    return word.equals(STOPPED);
  }

  private void requireLength(String column, int item, int length) throws Refusal {
    if (length == 0) {
      throw new Refusal(
          Refusal.EMPTY_COMPLETION,
          "item %d of column '%s' has no token to train on".formatted(item, column));
    }
    if (length > maxLength) {
      throw new Refusal(
          Refusal.TOO_LONG,
          "item %d of column '%s' has %d tokens, rollout.max_completion_length is %d"
              .formatted(item, column, length, maxLength));
    }
  }

  private static float[] logProbs(RowReader row, int item, int tokens) throws Refusal {
    int given = row.list(LOG_PROBS).size();
    if (given != tokens) {
      throw new Refusal(
          Refusal.LOG_PROB_COUNT,
          ("item %d of column '%s' has %d log-probabilities, the completion has %d tokens; the"
                  + " end-of-sequence token has one too")
              .formatted(item, LOG_PROBS, given, tokens));
    }
    float[] logProbs = new float[tokens];
    int t = 0;
    for (Object value : row.list(LOG_PROBS)) {
      RowReader number = new RowReader(Collections.singletonMap(LOG_PROBS, value));
      logProbs[t++] = (float) number.numbers(LOG_PROB)[0];
    }
    return logProbs;
  }
}

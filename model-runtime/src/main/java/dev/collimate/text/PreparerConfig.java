package dev.collimate.text;

import dev.collimate.CollimateException;
import java.io.Serializable;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How rows become examples. The keys are those of the run file's {@code data} section.
 *
 * @param shape what the objective wants
 * @param maxLength {@code max_length}: tokens of prompt and completion, or {@link #UNLIMITED}
 * @param truncationMode {@code truncation_mode}: which end of a longer sequence is kept
 * @param maxPromptLength {@code max_prompt_length}: tokens of the prompt, of which the end is kept,
 *     or {@link #UNLIMITED}
 * @param boundaryMerge {@code boundary_merge}: what becomes of rows whose completion merges with
 *     the prompt
 * @param completionOnlyLoss {@code completion_only_loss}: whether the prompt is left out of the
 *     loss, in prompt/completion rows and on a pair's chosen side; on the rejected side it always
 *     is
 * @param assistantOnlyLoss {@code assistant_only_loss}: whether only what stands between the chat
 *     template's generation markers counts
 * @param vocabularySize ids of tokenized rows must be smaller, or {@link #UNLIMITED}
 * @param templateTime what {@code strftime_now} shows to chat templates; one time for the whole
 *     data set
 * @param columns what the objective reads beside the shape's columns
 */
public record PreparerConfig(
    RowShape shape,
    int maxLength,
    TruncationMode truncationMode,
    int maxPromptLength,
    BoundaryMerge boundaryMerge,
    boolean completionOnlyLoss,
    boolean assistantOnlyLoss,
    int vocabularySize,
    LocalDateTime templateTime,
    RowColumns columns)
    implements Serializable {

  /** No limit. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  /** Which end of a sequence is kept. */
  public enum TruncationMode {
    KEEP_START,
    KEEP_END
  }

  /** What becomes of rows whose completion merges with the prompt. */
  public enum BoundaryMerge {
    /** They are used and counted. */
    KEEP,
    /** They go to quarantine. */
    DROP,
    /** The first one ends the run. */
    FAIL
  }

  public PreparerConfig {
    if (maxLength < 2) {
      throw CollimateException.usage(
          "data.max_length: must be >= 2 or null, got %d; a token needs one before it"
              .formatted(maxLength));
    }
    if (maxPromptLength < 1) {
      throw CollimateException.usage(
          "data.max_prompt_length: must be >= 1 or null, got %d".formatted(maxPromptLength));
    }
    if (maxPromptLength != UNLIMITED && maxPromptLength >= maxLength) {
      throw CollimateException.usage(
          "data.max_prompt_length: must be below data.max_length (%d), got %d; else no completion is left"
              .formatted(maxLength, maxPromptLength));
    }
    if (assistantOnlyLoss && shape != RowShape.DEMONSTRATION) {
      throw CollimateException.usage(
          "objective.assistant_only_loss: belongs to the objective sft, got true for another one");
    }
    if (vocabularySize < 1) {
      throw new IllegalArgumentException("vocabulary size must be positive");
    }
  }

  /** With the columns that TRL's rows of the shape may have. */
  public PreparerConfig(
      RowShape shape,
      int maxLength,
      TruncationMode truncationMode,
      int maxPromptLength,
      BoundaryMerge boundaryMerge,
      boolean completionOnlyLoss,
      boolean assistantOnlyLoss,
      int vocabularySize,
      LocalDateTime templateTime) {
    this(
        shape,
        maxLength,
        truncationMode,
        maxPromptLength,
        boundaryMerge,
        completionOnlyLoss,
        assistantOnlyLoss,
        vocabularySize,
        templateTime,
        RowColumns.usual(shape));
  }

  public PreparerConfig withColumns(RowColumns others) {
    return new PreparerConfig(
        shape,
        maxLength,
        truncationMode,
        maxPromptLength,
        boundaryMerge,
        completionOnlyLoss,
        assistantOnlyLoss,
        vocabularySize,
        templateTime,
        others);
  }

  /**
   * The row with one more sequence: its prompt, then another row's completion, cut like a side.
   *
   * @param role of the new sequence
   * @param completion token ids
   */
  public Example withOtherCompletion(Example row, String role, int[] completion) {
    Sequence own = row.sequences().values().iterator().next();
    int[] prompt = Arrays.copyOf(own.ids(), own.promptLength());
    Map<String, Sequence> sequences = new LinkedHashMap<>(row.sequences());
    sequences.put(
        role,
        cut(Encoded.of(prompt, completion, /* countsPrompt= */ false, /* isMerged= */ false)));
    return new Example(
        row.key(), RowHash.ofSequences(sequences), row.weight(), sequences, row.scalars());
  }

  /** At most {@link #maxLength} tokens of a side. */
  Sequence cut(Encoded side) {
    int kept = Math.min(side.length(), maxLength);
    int from = truncationMode == TruncationMode.KEEP_END ? side.length() - kept : 0;
    return side.sequence(from, from + kept);
  }

  /** TRL's defaults: 1024 tokens, the start kept, completion tokens counted. */
  public static PreparerConfig defaults(RowShape shape, LocalDateTime templateTime) {
    return new PreparerConfig(
        shape,
        1024,
        TruncationMode.KEEP_START,
        UNLIMITED,
        BoundaryMerge.KEEP,
        /* completionOnlyLoss= */ true,
        /* assistantOnlyLoss= */ false,
        UNLIMITED,
        templateTime);
  }
}

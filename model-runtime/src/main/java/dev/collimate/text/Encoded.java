package dev.collimate.text;

import java.util.Arrays;

/**
 * A sequence before it is cut.
 *
 * @param prompt ids of the prompt
 * @param completion ids of what follows
 * @param counts one entry per token of both: 1 = its log-probability is to count
 * @param isMerged whether the completion had to be tokenized alone, because its first characters
 *     merge with the prompt's last ones
 * @param marks one entry per token of the completion, by {@link TokenMarks}; empty: all 0
 */
record Encoded(int[] prompt, int[] completion, byte[] counts, boolean isMerged, float[] marks) {

  /** A sequence without marks. */
  Encoded(int[] prompt, int[] completion, byte[] counts, boolean isMerged) {
    this(prompt, completion, counts, isMerged, new float[0]);
  }

  /** Ids whose completion counts, and whose prompt does where asked. */
  static Encoded of(int[] prompt, int[] completion, boolean countsPrompt, boolean isMerged) {
    byte[] counts = new byte[prompt.length + completion.length];
    Arrays.fill(counts, countsPrompt ? 0 : prompt.length, counts.length, (byte) 1);
    return new Encoded(prompt, completion, counts, isMerged);
  }

  /** The same without any token of the prompt that counts. */
  Encoded countingCompletion() {
    byte[] ofCompletion = counts.clone();
    Arrays.fill(ofCompletion, 0, prompt.length, (byte) 0);
    return new Encoded(prompt, completion, ofCompletion, isMerged, marks);
  }

  Encoded withMarks(float[] ofCompletion) {
    return new Encoded(prompt, completion, counts, isMerged, ofCompletion);
  }

  int length() {
    return prompt.length + completion.length;
  }

  /** The same with at most the last tokens of the prompt. */
  Encoded withPromptEnd(int maxPromptLength) {
    if (prompt.length <= maxPromptLength) {
      return this;
    }
    int dropped = prompt.length - maxPromptLength;
    return new Encoded(
        Arrays.copyOfRange(prompt, dropped, prompt.length),
        completion,
        Arrays.copyOfRange(counts, dropped, counts.length),
        isMerged,
        marks);
  }

  /** Whether a token counts that has another one before it. */
  boolean hasCountedToken() {
    for (int i = 1; i < counts.length; i++) {
      if (counts[i] != 0) {
        return true;
      }
    }
    return false;
  }

  /** The tokens from one position to another as a sequence. */
  Sequence sequence(int from, int to) {
    int[] ids = Arrays.copyOf(prompt, length());
    System.arraycopy(completion, 0, ids, prompt.length, completion.length);
    byte[] lossMask = Arrays.copyOfRange(counts, from, to);
    if (lossMask.length > 0) {
      lossMask[0] = 0;
    }
    int promptLength = Math.max(0, Math.min(prompt.length, to) - from);
    float[] ofTokens = new float[0];
    if (marks.length > 0) {
      float[] all = new float[length()];
      System.arraycopy(marks, 0, all, prompt.length, marks.length);
      ofTokens = Arrays.copyOfRange(all, from, to);
    }
    return new Sequence(Arrays.copyOfRange(ids, from, to), promptLength, lossMask, ofTokens);
  }
}

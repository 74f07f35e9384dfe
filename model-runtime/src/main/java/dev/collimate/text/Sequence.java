package dev.collimate.text;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * One token sequence of a row.
 *
 * @param ids token ids, prompt first
 * @param promptLength number of leading tokens that are prompt
 * @param lossMask one entry per token, 1 = its log-probability counts; entry 0 is always 0, since
 *     nothing predicts the first token
 * @param marks one entry per token, how much each matters by {@link TokenMarks}; empty: all 0
 */
public record Sequence(int[] ids, int promptLength, byte[] lossMask, float[] marks)
    implements Serializable {

  public Sequence {
    if (lossMask.length != ids.length) {
      throw new IllegalArgumentException(
          "loss mask has " + lossMask.length + " entries for " + ids.length + " tokens");
    }
    if (marks.length != 0 && marks.length != ids.length) {
      throw new IllegalArgumentException(marks.length + " marks for " + ids.length + " tokens");
    }
    if (promptLength < 0 || promptLength > ids.length) {
      throw new IllegalArgumentException(
          "prompt length " + promptLength + " is outside the " + ids.length + " tokens");
    }
    if (lossMask.length > 0 && lossMask[0] != 0) {
      throw new IllegalArgumentException(
          "the first token has no prediction, its loss mask must be 0");
    }
  }

  /** A sequence without marks. */
  public Sequence(int[] ids, int promptLength, byte[] lossMask) {
    this(ids, promptLength, lossMask, new float[0]);
  }

  public int length() {
    return ids.length;
  }

  /** The token ids after the prompt. */
  public int[] completion() {
    return Arrays.copyOfRange(ids, promptLength, ids.length);
  }

  /** Number of tokens whose log-probability counts. */
  public int countedTokens() {
    return counted(ids.length);
  }

  /** The marks of the tokens whose log-probability counts. */
  public double[] countedMarks() {
    double[] counted = new double[countedTokens()];
    for (int t = 0, i = 0; t < marks.length; t++) {
      if (lossMask[t] != 0) {
        counted[i++] = marks[t];
      }
    }
    return counted;
  }

  /** How many of the tokens that count are the prompt's. */
  public int countedPromptTokens() {
    return counted(promptLength);
  }

  private int counted(int end) {
    int counted = 0;
    for (int t = 0; t < end; t++) {
      counted += lossMask[t];
    }
    return counted;
  }

  /**
   * How many leading tokens a model can compute once for all sequences of a row: what all begin
   * with before anything counts, but for the last of it, from which each sequence goes on by
   * itself. Nothing is shared by fewer than two.
   */
  public static int sharedTokens(List<Sequence> row) {
    if (row.size() < 2) {
      return 0;
    }
    int common = 0;
    while (isCommon(row, common)) {
      common++;
    }
    return Math.max(0, common - 1);
  }

  private static boolean isCommon(List<Sequence> row, int t) {
    int[] first = row.get(0).ids;
    return row.stream()
        .allMatch(s -> t < s.ids.length && s.ids[t] == first[t] && s.lossMask[t] == 0);
  }
}

package dev.collimate.data;

import dev.collimate.text.Sequence;
import java.util.Arrays;
import java.util.Optional;

/** Loss masks as alternating run lengths, and the usual mask as none at all. */
final class LossRuns {

  private LossRuns() {}

  /** Empty where every token after the prompt counts, else run lengths beginning with 0s. */
  static Optional<int[]> of(Sequence sequence) {
    byte[] mask = sequence.lossMask();
    if (Arrays.equals(mask, usual(mask.length, sequence.promptLength()))) {
      return Optional.empty();
    }
    int[] runs = new int[mask.length + 1];
    int count = 0;
    byte current = 0;
    for (byte entry : mask) {
      if (entry != current) {
        current = entry;
        count++;
      }
      runs[count]++;
    }
    return Optional.of(Arrays.copyOf(runs, count + 1));
  }

  /** The mask of {@code length} tokens. */
  static byte[] mask(int[] runs, int length) {
    byte[] mask = new byte[length];
    int position = 0;
    for (int run = 0; run < runs.length; run++) {
      Arrays.fill(mask, position, position + runs[run], (byte) (run % 2));
      position += runs[run];
    }
    return mask;
  }

  /** 1 for every token after the prompt; the first token is never predicted. */
  static byte[] usual(int length, int promptLength) {
    byte[] mask = new byte[length];
    Arrays.fill(mask, Math.min(length, Math.max(1, promptLength)), length, (byte) 1);
    return mask;
  }
}

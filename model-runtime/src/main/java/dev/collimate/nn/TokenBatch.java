package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.text.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * Sequences as tensors, and which positions something is read at: those that predict a counted
 * token, or of each sequence the one that is scored. Right-padded to the longest of them, where
 * causal attention never looks right, so that the padding needs no mask; or packed as one.
 *
 * @param ids int64 [batch, seq]
 * @param rows int64 [n]: the positions in batch * seq, by sequence
 * @param targets int64 [n]: the counted tokens; [0] of scores
 * @param counts values of each sequence: its counted tokens, or the labels
 * @param seq padded length
 */
record TokenBatch(PtNDArray ids, PtNDArray rows, PtNDArray targets, int[] counts, int seq) {

  static TokenBatch of(PtNDManager manager, List<Sequence> sequences) {
    int seq = longest(sequences);
    int[] counts = sequences.stream().mapToInt(Sequence::countedTokens).toArray();
    int counted = Arrays.stream(counts).sum();
    long[] rows = new long[counted];
    long[] targets = new long[counted];
    int next = 0;
    for (int row = 0; row < counts.length; row++) {
      Sequence sequence = sequences.get(row);
      for (int t = 0; t < sequence.length(); t++) {
        if (sequence.lossMask()[t] != 0) {
          rows[next] = (long) row * seq + t - 1;
          targets[next++] = sequence.ids()[t];
        }
      }
    }
    return new TokenBatch(
        ids(manager, sequences, seq),
        (PtNDArray) manager.create(rows, new Shape(counted)),
        (PtNDArray) manager.create(targets, new Shape(counted)),
        counts,
        seq);
  }

  /**
   * A batch for scores, which are read where transformers reads them: at the last token that is not
   * the pad token; without a pad token at the last one.
   *
   * @param labels scores of a sequence
   */
  static TokenBatch ofScores(
      PtNDManager manager, List<Sequence> sequences, OptionalInt pad, int labels) {
    int seq = longest(sequences);
    long[] rows = new long[sequences.size()];
    int[] counts = new int[sequences.size()];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = (long) row * seq + scored(sequences.get(row).ids(), pad);
      counts[row] = labels;
    }
    return new TokenBatch(
        ids(manager, sequences, seq),
        (PtNDArray) manager.create(rows, new Shape(rows.length)),
        (PtNDArray) manager.create(new long[0], new Shape(0)),
        counts,
        seq);
  }

  /** Packed rows: a batch of one. */
  static TokenBatch of(PtNDManager manager, PackedRows packed) {
    int[] counts =
        packed.sequences().stream().mapToInt(member -> member.sequence().countedTokens()).toArray();
    long[] rows = new long[Arrays.stream(counts).sum()];
    long[] targets = new long[rows.length];
    int next = 0;
    for (PackedRows.Member member : packed.sequences()) {
      Sequence sequence = member.sequence();
      for (int t = 0; t < sequence.length(); t++) {
        if (sequence.lossMask()[t] != 0) {
          rows[next] = member.placeOf(t - 1);
          targets[next++] = sequence.ids()[t];
        }
      }
    }
    int seq = packed.ids().length;
    return new TokenBatch(
        (PtNDArray) manager.create(packed.ids(), new Shape(1, seq)),
        (PtNDArray) manager.create(rows, new Shape(rows.length)),
        (PtNDArray) manager.create(targets, new Shape(rows.length)),
        counts,
        seq);
  }

  /** A sequence of pad tokens alone is read at its first. */
  private static int scored(int[] ids, OptionalInt pad) {
    int t = ids.length - 1;
    while (pad.isPresent() && t > 0 && ids[t] == pad.getAsInt()) {
      t--;
    }
    return t;
  }

  private static int longest(List<Sequence> sequences) {
    return sequences.stream().mapToInt(Sequence::length).max().orElse(0);
  }

  private static PtNDArray ids(PtNDManager manager, List<Sequence> sequences, int seq) {
    long[] ids = new long[sequences.size() * seq];
    for (int row = 0; row < sequences.size(); row++) {
      int[] ofRow = sequences.get(row).ids();
      for (int t = 0; t < ofRow.length; t++) {
        ids[row * seq + t] = ofRow[t];
      }
    }
    return (PtNDArray) manager.create(ids, new Shape(sequences.size(), seq));
  }

  /** Number of positions that something is read at. */
  int positions() {
    return (int) rows.size();
  }

  /** Cuts values of all sequences into one array per sequence. */
  float[][] bySequence(float[] values) {
    return bySequence(values, 1);
  }

  /** The same of several numbers of a token. */
  float[][] bySequence(float[] values, int numbers) {
    float[][] parts = new float[counts.length][];
    int from = 0;
    for (int i = 0; i < counts.length; i++) {
      parts[i] = Arrays.copyOfRange(values, from, from + counts[i] * numbers);
      from += counts[i] * numbers;
    }
    return parts;
  }

  /** Where the last value of each sequence stands among those of all. */
  long[] lastOfSequence() {
    long[] last = new long[counts.length];
    long end = 0;
    for (int i = 0; i < counts.length; i++) {
      end += counts[i];
      last[i] = end - 1;
    }
    return last;
  }

  /** The inverse of {@link #bySequence}. */
  float[] joined(float[][] parts) {
    float[] values = new float[Arrays.stream(counts).sum()];
    int from = 0;
    for (int i = 0; i < counts.length; i++) {
      if (parts[i].length != counts[i]) {
        throw new IllegalArgumentException(
            "sequence %d has %d values, got %d numbers".formatted(i, counts[i], parts[i].length));
      }
      System.arraycopy(parts[i], 0, values, from, counts[i]);
      from += counts[i];
    }
    return values;
  }
}

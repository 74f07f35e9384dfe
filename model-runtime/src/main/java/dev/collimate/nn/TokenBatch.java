package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.text.Sequence;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences as tensors, and which positions predict a counted token: right-padded to the longest of
 * them, where causal attention never looks right, so that the padding needs no mask; or packed as
 * one.
 *
 * @param ids int64 [batch, seq]
 * @param rows int64 [n]: where of batch * seq a counted token is predicted, by sequence, then
 *     position
 * @param targets int64 [n]: the counted tokens
 * @param counts counted tokens of each sequence
 * @param seq padded length
 */
record TokenBatch(PtNDArray ids, PtNDArray rows, PtNDArray targets, int[] counts, int seq) {

  static TokenBatch of(PtNDManager manager, List<Sequence> sequences) {
    int seq = sequences.stream().mapToInt(Sequence::length).max().orElse(0);
    int[] counts = sequences.stream().mapToInt(Sequence::countedTokens).toArray();
    int counted = 0;
    for (int count : counts) {
      counted += count;
    }
    long[] ids = new long[sequences.size() * seq];
    long[] rows = new long[counted];
    long[] targets = new long[counted];
    int next = 0;
    for (int row = 0; row < counts.length; row++) {
      Sequence sequence = sequences.get(row);
      for (int t = 0; t < sequence.length(); t++) {
        ids[row * seq + t] = sequence.ids()[t];
        if (sequence.lossMask()[t] != 0) {
          rows[next] = (long) row * seq + t - 1;
          targets[next++] = sequence.ids()[t];
        }
      }
    }
    return new TokenBatch(
        (PtNDArray) manager.create(ids, new Shape(counts.length, seq)),
        (PtNDArray) manager.create(rows, new Shape(counted)),
        (PtNDArray) manager.create(targets, new Shape(counted)),
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

  /** Number of counted tokens. */
  int counted() {
    return (int) rows.size();
  }

  /** Cuts values of all counted tokens into one array per sequence. */
  float[][] bySequence(float[] values) {
    float[][] parts = new float[counts.length][];
    int from = 0;
    for (int i = 0; i < counts.length; i++) {
      parts[i] = Arrays.copyOfRange(values, from, from + counts[i]);
      from += counts[i];
    }
    return parts;
  }

  /** The inverse of {@link #bySequence}. */
  float[] joined(float[][] parts) {
    float[] values = new float[counted()];
    int from = 0;
    for (int i = 0; i < counts.length; i++) {
      if (parts[i].length != counts[i]) {
        throw new IllegalArgumentException(
            "sequence %d has %d counted tokens, got %d numbers"
                .formatted(i, counts[i], parts[i].length));
      }
      System.arraycopy(parts[i], 0, values, from, counts[i]);
      from += counts[i];
    }
    return values;
  }
}

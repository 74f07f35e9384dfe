package dev.collimate.nn;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.Rope;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes batch contexts for one model: angles or positions of its kind, masks. */
final class BatchContexts implements AutoCloseable {

  /**
   * Most queries that a masked part of packed rows is computed in at a time: more would compute
   * more scores that the mask hides, fewer would take more calls (PrefixSharingSpeed measures it).
   */
  private static final int MASKED_QUERIES = 128;

  private final Kernels kernels;
  private final Optional<RotaryTable> rotary;

  BatchContexts(Kernels kernels, PtNDManager manager, ModelConfig config) {
    this.kernels = kernels;
    rotary =
        config.positions() instanceof Rope rope
            ? Optional.of(new RotaryTable(manager, rope, config.attention().headDim()))
            : Optional.empty();
  }

  /**
   * Rows whose tokens stand at positions 0, 1, 2 and on, with padding, if any, behind them; causal
   * attention never looks there, so only windows need a mask.
   *
   * @param rows int64 [n], what the last layer keeps
   */
  BatchContext rightPadded(PtNDManager pass, int seq, PtNDArray rows) {
    Map<String, PtNDArray> shared =
        rotary
            .map(table -> Map.of("cos", table.cos(pass, seq), "sin", table.sin(pass, seq)))
            .orElseGet(() -> Map.of("positions", range(pass, seq)));
    return new BatchContext(
        pass,
        shared,
        window ->
            window == 0 || window >= seq
                ? Map.of()
                : Map.of("mask", windowMask(pass, 0, seq, window)),
        rows);
  }

  /**
   * Rows with padding anywhere.
   *
   * @param valid bool [batch, keys or more], false on padding
   * @param start which key is the first query; the last query is the last key
   * @param positions [batch][queries]
   * @param rows int64 [n], what the last layer keeps
   */
  BatchContext padded(
      PtNDManager pass, PtNDArray valid, int start, int[][] positions, PtNDArray rows) {
    int queries = positions[0].length;
    return new BatchContext(
        pass,
        angles(pass, positions),
        window -> Map.of("mask", kernels.call(pass, "mask", valid, start, queries, window)),
        rows);
  }

  /**
   * Rows packed as one sequence.
   *
   * @param rows int64 [n], what the last layer keeps
   */
  BatchContext packed(PtNDManager pass, PackedRows packed, PtNDArray rows) {
    return new BatchContext(
        pass,
        angles(pass, new int[][] {packed.positions()}),
        window -> segments(pass, packed.segments(), window),
        rows);
  }

  /** The segments, and a mask for those that causal attention alone would read wrongly. */
  private Map<String, PtNDArray> segments(
      PtNDManager pass, List<PackedRows.Segment> segments, int window) {
    long[] flat = new long[3 * segments.size()];
    int longestMasked = 0;
    for (int i = 0; i < segments.size(); i++) {
      PackedRows.Segment segment = segments.get(i);
      boolean isMasked = segment.shared() > 0 || (window > 0 && window < segment.length());
      flat[3 * i] = segment.shared();
      flat[3 * i + 1] = segment.length();
      flat[3 * i + 2] = isMasked ? 1 : 0;
      longestMasked = isMasked ? Math.max(longestMasked, segment.end()) : longestMasked;
    }
    // The kernels read them in every layer; on a GPU that would be a wait each time.
    NDManager host = pass.newSubManager(Device.cpu());
    PtNDArray parts = (PtNDArray) host.create(flat, new Shape(segments.size(), 3));
    if (longestMasked == 0) {
      return Map.of("segments", parts);
    }
    int queries = Math.min(MASKED_QUERIES, longestMasked);
    try (PtNDArray mask = windowMask(pass, longestMasked, queries, window)) {
      return Map.of("segments", parts, "mask", kernels.call(pass, "added_mask", mask));
    }
  }

  @Override
  public void close() {
    rotary.ifPresent(RotaryTable::close);
  }

  private Map<String, PtNDArray> angles(PtNDManager pass, int[][] positions) {
    int queries = positions[0].length;
    long[] flat = new long[positions.length * queries];
    int largest = 0;
    for (int row = 0; row < positions.length; row++) {
      for (int t = 0; t < queries; t++) {
        flat[row * queries + t] = positions[row][t];
        largest = Math.max(largest, positions[row][t]);
      }
    }
    PtNDArray indices = (PtNDArray) pass.create(flat, new Shape(positions.length, queries));
    if (rotary.isEmpty()) {
      return Map.of("positions", indices);
    }
    PtNDArray cos = rotary.get().cos(pass, largest + 1);
    PtNDArray sin = rotary.get().sin(pass, largest + 1);
    return Map.of(
        "cos", kernels.call(pass, "angles", cos, indices),
        "sin", kernels.call(pass, "angles", sin, indices));
  }

  private PtNDArray range(PtNDManager pass, int seq) {
    try (PtNDArray flat = (PtNDArray) pass.arange(0, seq, 1, DataType.INT64)) {
      return (PtNDArray) flat.reshape(1, seq);
    }
  }

  /** What queries at {@code start} and on attend to, where nothing is padding. */
  private PtNDArray windowMask(PtNDManager pass, int start, int queries, int window) {
    boolean[] all = new boolean[start + queries];
    Arrays.fill(all, true);
    try (PtNDArray valid = (PtNDArray) pass.create(all, new Shape(1, all.length))) {
      return kernels.call(pass, "mask", valid, start, queries, window);
    }
  }
}

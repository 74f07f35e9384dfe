package dev.collimate.nn;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.Rope;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/** Makes batch contexts for one model: angles or positions of its kind, masks. */
final class BatchContexts implements AutoCloseable {

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
            window == 0 || window >= seq ? Map.of() : Map.of("mask", windowMask(pass, seq, window)),
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

  private PtNDArray windowMask(PtNDManager pass, int seq, int window) {
    boolean[] all = new boolean[seq];
    Arrays.fill(all, true);
    try (PtNDArray valid = (PtNDArray) pass.create(all, new Shape(1, seq))) {
      return kernels.call(pass, "mask", valid, 0, seq, window);
    }
  }
}

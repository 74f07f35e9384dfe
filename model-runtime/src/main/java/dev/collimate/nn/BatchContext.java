package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * What the layers need to know about a batch, as the kernels' dictionary {@code c}: angles or
 * positions, masks, the rows wanted after the last attention.
 */
final class BatchContext implements AutoCloseable {

  private final Map<String, PtNDArray> shared;
  private final IntFunction<Map<String, PtNDArray>> maskOfWindow;
  private final PtNDArray rows;
  private final Map<Integer, IValue> inner = new HashMap<>();
  private final Map<Integer, IValue> last = new HashMap<>();

  /**
   * @param shared what every layer gets: {@code cos} and {@code sin}, or {@code positions}
   * @param maskOfWindow the {@code mask} for a window, or nothing where plain causal attention does
   * @param rows int64 [n], what the last layer keeps
   */
  BatchContext(
      Map<String, PtNDArray> shared,
      IntFunction<Map<String, PtNDArray>> maskOfWindow,
      PtNDArray rows) {
    this.shared = shared;
    this.maskOfWindow = maskOfWindow;
    this.rows = rows;
  }

  /** For a layer that keeps all positions. */
  IValue ofLayer(int window) {
    return inner.computeIfAbsent(window, w -> IValue.stringMapFrom(entries(w)));
  }

  /** For the last layer, which keeps the rows. */
  IValue ofLastLayer(int window) {
    return last.computeIfAbsent(
        window,
        w -> {
          Map<String, PtNDArray> entries = entries(w);
          entries.put("rows", rows);
          return IValue.stringMapFrom(entries);
        });
  }

  private Map<String, PtNDArray> entries(int window) {
    Map<String, PtNDArray> entries = new HashMap<>(shared);
    entries.putAll(maskOfWindow.apply(window));
    return entries;
  }

  @Override
  public void close() {
    inner.values().forEach(IValue::close);
    last.values().forEach(IValue::close);
  }
}

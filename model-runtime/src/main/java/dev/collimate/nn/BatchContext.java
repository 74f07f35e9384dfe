package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * What the layers need to know about a batch, as the kernels' dictionary {@code c}: angles or
 * positions, masks, the rows wanted after the last attention. Dictionaries and masks are made when
 * they are first asked for, and live until the batch's manager closes.
 */
final class BatchContext {

  private final PtNDManager manager;
  private final Map<String, PtNDArray> shared;
  private final IntFunction<Map<String, PtNDArray>> maskOfWindow;
  private final PtNDArray rows;
  private final Map<Integer, Map<String, PtNDArray>> masks = new HashMap<>();
  private final Map<Integer, IValue> inner = new HashMap<>();
  private final Map<Integer, IValue> last = new HashMap<>();
  private IValue embedding;

  /**
   * @param manager owns the dictionaries
   * @param shared what every layer gets: {@code cos} and {@code sin}, or {@code positions}
   * @param maskOfWindow the {@code mask} for a window, or nothing where plain causal attention does
   * @param rows int64 [n], what the last layer keeps
   */
  BatchContext(
      PtNDManager manager,
      Map<String, PtNDArray> shared,
      IntFunction<Map<String, PtNDArray>> maskOfWindow,
      PtNDArray rows) {
    this.manager = manager;
    this.shared = shared;
    this.maskOfWindow = maskOfWindow;
    this.rows = rows;
  }

  /** For the embedding, which attends to nothing. */
  IValue ofEmbedding() {
    if (embedding == null) {
      embedding = dictionary(shared);
    }
    return embedding;
  }

  /** For a layer that keeps all positions. */
  IValue ofLayer(int window) {
    return inner.computeIfAbsent(window, w -> dictionary(entries(w)));
  }

  /** For the last layer, which keeps the rows. */
  IValue ofLastLayer(int window) {
    return last.computeIfAbsent(
        window,
        w -> {
          Map<String, PtNDArray> entries = entries(w);
          entries.put("rows", rows);
          return dictionary(entries);
        });
  }

  private Map<String, PtNDArray> entries(int window) {
    Map<String, PtNDArray> entries = new HashMap<>(shared);
    entries.putAll(masks.computeIfAbsent(window, maskOfWindow::apply));
    return entries;
  }

  private IValue dictionary(Map<String, PtNDArray> entries) {
    IValue dictionary = IValue.stringMapFrom(entries);
    manager.attachInternal(dictionary.getUid(), dictionary);
    return dictionary;
  }
}

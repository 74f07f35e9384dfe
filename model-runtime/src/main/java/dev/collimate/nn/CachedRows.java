package dev.collimate.nn;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rows of one batch that grow token by token: left-padded to the longest prompt, with the keys and
 * values of all earlier tokens kept in buffers that grow with the rows.
 */
public final class CachedRows implements AutoCloseable {

  /**
   * A token for every row.
   *
   * @param ids the tokens
   * @param logProbs their log-probabilities at the temperature asked for, before any cut by top-k
   *     or top-p; at temperature 0 those of the model itself
   */
  public record Draw(int[] ids, float[] logProbs) {}

  /**
   * Slots that the buffers grow by. Growing copies them once where the tokens in between read them
   * {@value} times, and what no row reaches is never held.
   */
  private static final int BLOCK = 256;

  private final PtNDManager manager;
  private final Kernels kernels;
  private final LayerStack stack;
  private final Head head;
  private final BatchContexts contexts;
  private final CausalModel.Adapter adapter;

  /** Slots that the longest row may come to. */
  private final long limit;

  /** Slots of the buffers. */
  private long capacity;

  /** Per layer, [batch, key/value heads, capacity, head_dim]. */
  private final List<PtNDArray> keys = new ArrayList<>();

  private final List<PtNDArray> values = new ArrayList<>();

  /** Bool [batch, capacity], false on padding. */
  private PtNDArray valid;

  /** Slots in front of each row's first token. */
  private int[] padding;

  /** Slots in use. */
  private int length;

  /** [batch, vocab] of the token to come. */
  private PtNDArray logits;

  /** The same rows under another model, closed with these; null for none. */
  private CachedRows other;

  private double shareOfOther;

  CachedRows(
      PtNDManager manager,
      Kernels kernels,
      LayerStack stack,
      Head head,
      BatchContexts contexts,
      List<int[]> prompts,
      int newTokens,
      CausalModel.Adapter adapter) {
    this.manager = manager;
    this.kernels = kernels;
    this.stack = stack;
    this.head = head;
    this.contexts = contexts;
    this.adapter = adapter;
    int batch = prompts.size();
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    limit = (long) longest + newTokens;
    capacity = capacityFor(longest);
    padding = new int[batch];
    int[][] ids = new int[batch][longest];
    boolean[][] isToken = new boolean[batch][Math.toIntExact(capacity)];
    for (int row = 0; row < batch; row++) {
      int[] prompt = prompts.get(row);
      padding[row] = longest - prompt.length;
      System.arraycopy(prompt, 0, ids[row], padding[row], prompt.length);
      Arrays.fill(isToken[row], padding[row], isToken[row].length, true);
    }
    valid = (PtNDArray) manager.create(isToken);
    Shape shape = stack.cacheShape(batch, capacity);
    for (int layer = 0; layer < stack.layers(); layer++) {
      keys.add((PtNDArray) manager.zeros(shape, DataType.FLOAT32));
      values.add((PtNDArray) manager.zeros(shape, DataType.FLOAT32));
    }
    run(ids);
  }

  /**
   * Draws from the geometric mixture with another model from now on: {@code softmax((1 - share) *
   * logits + share * others)}, as TRL's GeometricMixtureWrapper.
   *
   * @param rows the same prompts, not continued yet; keeps step with these rows and is closed with
   *     them
   * @param share of the other model, in 0..1
   */
  public void mixWith(CachedRows rows, double share) {
    other = rows;
    shareOfOther = share;
  }

  /** Number of rows. */
  public int size() {
    return padding.length;
  }

  /**
   * What the model gives every token to come, before the softmax.
   *
   * @return [row][vocabulary]
   */
  public float[][] nextLogits() {
    float[] all = logits.toFloatArray();
    float[][] rows = new float[size()][];
    int vocabulary = all.length / rows.length;
    for (int row = 0; row < rows.length; row++) {
      rows[row] = Arrays.copyOfRange(all, row * vocabulary, (row + 1) * vocabulary);
    }
    return rows;
  }

  /**
   * Draws the next token of every row; does not append it.
   *
   * @param temperature 0: the most probable token
   * @param topK how many of the most probable tokens take part, 0: all
   * @param topP the smallest set of most probable tokens with this probability takes part, 1: all
   * @param uniform per row a number in [0, 1), unused at temperature 0
   * @throws CollimateException of kind DATA where a log-probability is not finite
   */
  public Draw draw(double temperature, int topK, double topP, double[] uniform) {
    try (PtNDManager scope = (PtNDManager) manager.newSubManager()) {
      PtNDArray numbers = (PtNDArray) scope.create(uniform);
      PtNDArray next =
          other == null ? logits : kernels.call(scope, "mixed", logits, other.logits, shareOfOther);
      List<PtNDArray> drawn =
          kernels.callForList(scope, "draw", next, numbers, temperature, topK, topP);
      float[] logProbs = drawn.get(1).toFloatArray();
      requireFinite(logProbs);
      return new Draw(
          Arrays.stream(drawn.get(0).toLongArray()).mapToInt(Math::toIntExact).toArray(), logProbs);
    }
  }

  private static void requireFinite(float[] logProbs) {
    for (float logProb : logProbs) {
      if (!Float.isFinite(logProb)) {
        throw CollimateException.data(
            "The model gives the token that it draws the log-probability %s; its weights are broken"
                .formatted(logProb));
      }
    }
  }

  /** Appends a token to every row. */
  public void append(int[] ids) {
    int[][] column = new int[ids.length][1];
    for (int row = 0; row < ids.length; row++) {
      column[row][0] = ids[row];
    }
    reserve(length + 1L);
    run(column);
    if (other != null) {
      other.append(ids);
    }
  }

  /** Keeps only these rows, in this order; a row that is named twice goes on as two. */
  public void keep(int[] rows) {
    long[] indices = Arrays.stream(rows).asLongStream().toArray();
    try (PtNDArray selected = (PtNDArray) manager.create(indices)) {
      keys.replaceAll(array -> selected(array, selected));
      values.replaceAll(array -> selected(array, selected));
      valid = selected(valid, selected);
      logits = selected(logits, selected);
    }
    padding = Arrays.stream(rows).map(row -> padding[row]).toArray();
    if (other != null) {
      other.keep(rows);
    }
  }

  @Override
  public void close() {
    if (other != null) {
      other.close();
    }
    manager.close();
  }

  private long capacityFor(long slots) {
    return Math.min(limit, (slots + BLOCK - 1) / BLOCK * BLOCK);
  }

  private void reserve(long slots) {
    if (slots <= capacity) {
      return;
    }
    long more = capacityFor(slots) - capacity;
    keys.replaceAll(array -> padded(array, 0, 0, 0, 0, more));
    values.replaceAll(array -> padded(array, 0, 0, 0, 0, more));
    valid = padded(valid, 1, 0, more);
    capacity += more;
  }

  private PtNDArray padded(PtNDArray array, int value, long... slots) {
    try (array) {
      return kernels.call(manager, "padded", array, slots, value);
    }
  }

  private PtNDArray selected(PtNDArray array, PtNDArray rows) {
    try (array) {
      return kernels.call(manager, "select", array, rows);
    }
  }

  /** Runs new tokens [batch][seq] through all layers and keeps the logits after the last. */
  private void run(int[][] ids) {
    int batch = ids.length;
    int seq = ids[0].length;
    int[][] positions = new int[batch][seq];
    long[] lastOfRow = new long[batch];
    long[] flat = new long[batch * seq];
    for (int row = 0; row < batch; row++) {
      for (int t = 0; t < seq; t++) {
        flat[row * seq + t] = ids[row][t];
        positions[row][t] = Math.max(0, length + t - padding[row]);
      }
      lastOfRow[row] = (row + 1L) * seq - 1;
    }
    try (PtNDManager scope = (PtNDManager) manager.newSubManager()) {
      PtNDArray tokens = (PtNDArray) scope.create(flat, new Shape(batch, seq));
      PtNDArray wanted = (PtNDArray) scope.create(lastOfRow);
      BatchContext context = contexts.padded(scope, valid, length, positions, wanted);
      PtNDArray x = stack.embed(scope, tokens, context, false);
      for (int i = 0; i < stack.layers(); i++) {
        x = stack.cachedLayer(scope, i, x, context, adapter, keys.get(i), values.get(i), length);
      }
      if (logits != null) {
        logits.close();
      }
      logits = head.logits(manager, stack.finalNorm(scope, x, false));
    }
    length += seq;
  }
}

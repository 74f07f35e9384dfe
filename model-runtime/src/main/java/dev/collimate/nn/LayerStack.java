package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import dev.collimate.checkpoint.Activation;
import dev.collimate.checkpoint.ModelConfig;
import java.util.List;

/**
 * The steps of a decoder, each one kernel call; all families are these steps with other weights.
 */
final class LayerStack {

  private final Kernels kernels;
  private final Weights weights;
  private final ModelConfig config;
  private final long[] sizes;
  private final double epsilon;
  private final String activation;
  private final boolean bfloat16;
  private final double adapterScale;

  LayerStack(
      Kernels kernels,
      Weights weights,
      ModelConfig config,
      Precision precision,
      double adapterScale) {
    this.kernels = kernels;
    this.weights = weights;
    this.config = config;
    this.adapterScale = adapterScale;
    ModelConfig.Attention attention = config.attention();
    sizes = new long[] {attention.heads(), attention.keyValueHeads(), attention.headDim()};
    epsilon = config.normEpsilon();
    activation = nameOf(config.mlp().activation());
    bfloat16 = precision == Precision.BFLOAT16;
  }

  int layers() {
    return config.layers();
  }

  /** Shape of one layer's keys, or values: [batch, key/value heads, capacity, head_dim]. */
  Shape cacheShape(int batch, long capacity) {
    return new Shape(batch, sizes[1], capacity, sizes[2]);
  }

  /** What is handed to the kernels in front of a layer's other arguments. */
  private Object[] arguments(
      int layer, PtNDArray x, BatchContext context, CausalModel.Adapter adapter, Object... more) {
    Object[] all = new Object[8 + more.length];
    int window = config.windows().get(layer);
    IValue dictionary =
        layer == layers() - 1 ? context.ofLastLayer(window) : context.ofLayer(window);
    all[0] = x;
    all[1] = weights.layers().get(layer).dictionary();
    all[2] = dictionary;
    all[3] = sizes;
    all[4] = epsilon;
    all[5] = config.attention().scale(layer);
    all[6] = activation;
    all[7] = adapter == CausalModel.Adapter.ON ? adapterScale : 0.0;
    System.arraycopy(more, 0, all, 8, more.length);
    return all;
  }

  /**
   * Embeds tokens.
   *
   * @param ids int64 [batch, seq]
   * @return [batch, seq, hidden]
   */
  PtNDArray embed(
      PtNDManager manager, PtNDArray ids, BatchContext context, boolean differentiable) {
    return kernels.call(
        manager, "embed", ids, weights.outer(), context.ofEmbedding(), differentiable);
  }

  /**
   * Runs one layer.
   *
   * @param x [batch, seq, hidden]
   * @return the same shape; of the last layer [n, hidden], the rows of the context
   */
  PtNDArray layer(
      PtNDManager manager,
      int layer,
      PtNDArray x,
      BatchContext context,
      CausalModel.Adapter adapter,
      boolean differentiable) {
    return kernels.call(
        manager, "layer", arguments(layer, x, context, adapter, bfloat16, differentiable));
  }

  /**
   * Runs one layer again for its gradients.
   *
   * @param g gradient of the layer's result
   * @return gradients of the layer's trained parameters, then of {@code x}
   */
  List<PtNDArray> layerGradients(
      PtNDManager manager,
      int layer,
      PtNDArray x,
      BatchContext context,
      CausalModel.Adapter adapter,
      PtNDArray g) {
    List<PtNDArray> trained =
        weights.layers().get(layer).trained().stream().map(Weights.Trained::tensor).toList();
    return kernels.callForList(
        manager, "layer_vjp", arguments(layer, x, context, adapter, bfloat16, trained, g));
  }

  /**
   * Runs one layer on new tokens, with the keys and values of those before them.
   *
   * @param keys [batch, key/value heads, capacity, head_dim], written from {@code start} on
   * @param values like {@code keys}
   */
  PtNDArray cachedLayer(
      PtNDManager manager,
      int layer,
      PtNDArray x,
      BatchContext context,
      CausalModel.Adapter adapter,
      PtNDArray keys,
      PtNDArray values,
      int start) {
    return kernels.call(
        manager,
        "cached_layer",
        arguments(layer, x, context, adapter, bfloat16, keys, values, start));
  }

  /** The norm before the output head. */
  PtNDArray finalNorm(PtNDManager manager, PtNDArray x, boolean differentiable) {
    return kernels.call(manager, "final_norm", x, weights.outer(), epsilon, differentiable);
  }

  private static String nameOf(Activation activation) {
    return switch (activation) {
      case SILU -> "silu";
      case GELU -> "gelu";
      case GELU_TANH -> "gelu_tanh";
    };
  }
}

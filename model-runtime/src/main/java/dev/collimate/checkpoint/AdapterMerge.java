package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterLayout.Target;
import dev.collimate.checkpoint.DecoderLayout.Linear;
import dev.collimate.files.FolderSink;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Folds an adapter into its model: {@code W + scale * B A}, the product summed in float64, the
 * result rounded to float32 and then to the stored type.
 */
public final class AdapterMerge {

  private AdapterMerge() {}

  /**
   * Writes the merged model folder, tensor by tensor. Where the adapter changes a tied output head,
   * the head gets a tensor of its own and config.json says so; the embedding stays.
   *
   * @throws CollimateException of kind DATA where the adapter does not fit the model
   */
  public static void write(
      ModelFolder model, AdapterFolder adapter, SaveDtype dtype, FolderSink sink) {
    ObjectNode config = ModelWriter.config(model, dtype);
    List<OutTensor> tensors = tensors(model, adapter, dtype, config);
    ModelWriter.write(model, tensors, config, sink, FolderWriter.MAX_SHARD_BYTES);
  }

  /** The tensors of the merged model; a head that is untied is noted in the config. */
  static List<OutTensor> tensors(
      ModelFolder model, AdapterFolder adapter, SaveDtype dtype, ObjectNode config) {
    DecoderLayout layout = model.layout();
    Map<String, Target> targets = new HashMap<>();
    AdapterLayout adapted = adapter.layout(layout);
    for (Target target : adapted.targets()) {
      targets.put(target.linear().module(), target);
    }
    Target tiedHead = layout.tied() ? targets.remove(layout.head().module()) : null;
    Map<String, Target> byWeight = new HashMap<>();
    targets.values().forEach(target -> byWeight.put(target.linear().weight(), target));
    List<OutTensor> tensors = new ArrayList<>();
    for (Parameter parameter : layout.parameters().parameters()) {
      OutTensor unchanged = ModelWriter.unchanged(model, parameter, dtype);
      Target target = byWeight.get(parameter.name());
      if (adapted.savedHead().isPresent() && parameter.name().equals(layout.head().weight())) {
        tensors.add(saved(unchanged, adapted.savedHeadWeight().orElseThrow().name(), adapter));
      } else {
        tensors.add(target == null ? unchanged : merged(parameter, unchanged, target, adapter));
      }
    }
    if (tiedHead != null) {
      Linear head = layout.head();
      Parameter own = new Parameter(head.module() + ".weight", head.weightShape());
      OutTensor embedding = ModelWriter.unchanged(model, layout.tokens().parameter(), dtype);
      tensors.add(merged(own, embedding, tiedHead, adapter));
      config.put("tie_word_embeddings", false);
    }
    return tensors;
  }

  /** A tensor that the adapter has whole. */
  private static OutTensor saved(OutTensor base, String name, AdapterFolder adapter) {
    return new OutTensor(
        base.parameter(),
        base.dtype(),
        (first, into) -> adapter.tensors().readFloat32(name, first, into));
  }

  private static OutTensor merged(
      Parameter parameter, OutTensor base, Target target, AdapterFolder adapter) {
    // Read when the tensor is written and released with its last values, so that one adapted
    // module at a time is in memory.
    LazyProduct product = new LazyProduct(target, adapter);
    return new OutTensor(
        parameter,
        base.dtype(),
        (first, into) -> {
          int start = into.position();
          base.values().read(first, into);
          product.get().addTo(first, into.duplicate().flip().position(start));
          if (first + into.position() - start == parameter.size()) {
            product.release();
          }
        });
  }

  private static final class LazyProduct {
    private final Target target;
    private final AdapterFolder adapter;
    private LowRankProduct product;

    LazyProduct(Target target, AdapterFolder adapter) {
      this.target = target;
      this.adapter = adapter;
    }

    LowRankProduct get() {
      if (product == null) {
        product =
            LowRankProduct.of(
                target,
                adapter.tensors().readFloat32(target.a().name()),
                adapter.tensors().readFloat32(target.b().name()),
                adapter.config().scale());
      }
      return product;
    }

    void release() {
      product = null;
    }
  }

  /**
   * {@code scale * left * right}, by rows, in the base weight's layout.
   *
   * @param left [rows, r]
   * @param right [r, columns]
   */
  private record LowRankProduct(float[] left, float[] right, int r, int columns, double scale) {

    static LowRankProduct of(Target target, float[] a, float[] b, double scale) {
      Linear linear = target.linear();
      int r = target.r();
      return linear.transposed()
          ? new LowRankProduct(
              transpose(a, r, linear.inputs()),
              transpose(b, linear.outputs(), r),
              r,
              linear.outputs(),
              scale)
          : new LowRankProduct(b, a, r, linear.inputs(), scale);
    }

    private static float[] transpose(float[] matrix, int rows, int columns) {
      float[] transposed = new float[matrix.length];
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
          transposed[j * rows + i] = matrix[i * columns + j];
        }
      }
      return transposed;
    }

    /** Adds the elements from {@code first} on to the buffer's. */
    void addTo(long first, FloatBuffer values) {
      double[] sums = new double[Math.min(columns, values.remaining())];
      while (values.hasRemaining()) {
        int row = (int) (first / columns);
        int column = (int) (first % columns);
        int count = Math.min(columns - column, values.remaining());
        Arrays.fill(sums, 0);
        for (int k = 0; k < r; k++) {
          double factor = left[row * r + k];
          for (int i = 0; i < count; i++) {
            sums[i] += factor * right[k * columns + column + i];
          }
        }
        for (int i = 0; i < count; i++) {
          int at = values.position();
          values.put((float) (values.get(at) + scale * sums[i]));
        }
        first += count;
      }
    }
  }
}

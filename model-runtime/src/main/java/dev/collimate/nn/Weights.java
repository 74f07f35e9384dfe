package dev.collimate.nn;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import dev.collimate.checkpoint.AdapterLayout;
import dev.collimate.checkpoint.DecoderLayout;
import dev.collimate.checkpoint.DecoderLayout.Layer;
import dev.collimate.checkpoint.DecoderLayout.Linear;
import dev.collimate.checkpoint.DecoderLayout.NormWeights;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A decoder's parameters as tensors, and the dictionaries in which the kernels find those of one
 * layer by role. Frozen weights of products are kept in the products' precision.
 */
final class Weights implements AutoCloseable {

  /** A trained parameter and where it stands in the flat vector. */
  record Trained(PtNDArray tensor, long offset) {}

  /** One layer: its dictionary, and its trained parameters in flat order. */
  record LayerWeights(IValue dictionary, List<Trained> trained) {}

  private final PtNDManager manager;
  private final TensorCopy copy;
  private final ParameterLayout trainedLayout;
  private final Map<String, Trained> trained = new LinkedHashMap<>();
  private final IValue outer;
  private final PtNDArray head;
  private final List<Trained> embeddings;
  private final List<LayerWeights> layers = new ArrayList<>();
  private final List<Trained> finalNorm;
  private final List<Trained> separateHead;
  private final List<Trained> valueHead;
  private final boolean tied;

  private Weights(Loading loading, ModelFolder model) {
    manager = loading.manager;
    copy = loading.copy;
    trainedLayout = loading.trainedLayout;
    DecoderLayout layout = model.layout();
    tied = layout.tied();
    Map<String, PtNDArray> outerRoles = new HashMap<>();
    PtNDArray tokens = loading.float32(layout.tokens().weight());
    outerRoles.put("embed.weight", tokens);
    layout.positions().ifPresent(t -> outerRoles.put("positions", loading.float32(t.weight())));
    for (Layer layer : layout.layers()) {
      layers.add(loading.layer(layer));
    }
    loading.norm(outerRoles, "norm", layout.finalNorm());
    outer = IValue.stringMapFrom(outerRoles);
    String headName = layout.head().weight();
    Optional<Parameter> savedHead = loading.adapter.layout().savedHeadWeight();
    if (savedHead.isPresent()) {
      head = loading.ofAdapter(savedHead.get());
    } else {
      head = tied ? loading.tiedProduct(headName, tokens) : loading.product(headName);
    }
    embeddings = new ArrayList<>(loading.trainedNow(layout.tokens().weight()));
    layout.positions().ifPresent(t -> embeddings.addAll(loading.trainedNow(t.weight())));
    finalNorm = new ArrayList<>(loading.trainedNow(layout.finalNorm().weight()));
    finalNorm.addAll(loading.trainedNow(layout.finalNorm().bias()));
    separateHead =
        tied
            ? List.of()
            : loading.trainedNow(savedHead.map(Parameter::name).orElse(layout.head().weight()));
    valueHead = loading.valueHead();
    trained.putAll(loading.trained);
  }

  /**
   * Reads a model.
   *
   * @param manager gets all tensors
   * @param trainedLayout the parameters that get gradients, each a tensor of the model or a
   *     low-rank factor
   */
  static Weights load(
      Kernels kernels,
      PtNDManager manager,
      ModelFolder model,
      AdapterWeights adapter,
      ParameterLayout trainedLayout,
      DecoderOptions options) {
    return new Weights(
        new Loading(kernels, manager, model, adapter, trainedLayout, options), model);
  }

  /** Token and position embeddings, final norm. */
  IValue outer() {
    return outer;
  }

  List<LayerWeights> layers() {
    return layers;
  }

  /** Weight [vocab, hidden] of the output head, or [labels, hidden] of a classifier's. */
  PtNDArray head() {
    return head;
  }

  /** Trained embeddings; where the head is tied, the first of them gets its gradient too. */
  List<Trained> embeddings() {
    return embeddings;
  }

  /**
   * The first layer that a gradient must reach: 0 where embeddings are trained, the number of
   * layers where no layer is.
   */
  int lowestTrainedLayer() {
    int layer = 0;
    while (embeddings.isEmpty() && layer < layers.size() && layers.get(layer).trained().isEmpty()) {
      layer++;
    }
    return layer;
  }

  List<Trained> finalNorm() {
    return finalNorm;
  }

  /** The head where it is trained and has a weight of its own. */
  List<Trained> separateHead() {
    return separateHead;
  }

  /** The value head's weight where there is one; it is always trained. */
  List<Trained> valueHead() {
    return valueHead;
  }

  Optional<PtNDArray> valueHeadWeight() {
    return valueHead.stream().map(Trained::tensor).findFirst();
  }

  /** Whether the head's weight gets a gradient. */
  boolean isHeadTrained() {
    return tied ? !embeddings.isEmpty() : !separateHead.isEmpty();
  }

  boolean isTied() {
    return tied;
  }

  ParameterLayout trainedLayout() {
    return trainedLayout;
  }

  TensorCopy copy() {
    return copy;
  }

  /** Every trained parameter, in flat order. */
  Iterable<Trained> trained() {
    return trained.values();
  }

  @Override
  public void close() {
    outer.close();
    layers.forEach(layer -> layer.dictionary().close());
    manager.close();
  }

  /** What is only needed while loading. */
  private static final class Loading {
    private final Kernels kernels;
    private final PtNDManager manager;
    private final ModelFolder model;
    private final AdapterWeights adapter;
    private final Map<String, AdapterLayout.Target> adapted = new HashMap<>();
    private final Map<String, Long> adapterOffsets = new HashMap<>();
    private final ParameterLayout trainedLayout;
    private final Precision precision;
    private final TensorCopy copy;
    private final Map<String, Long> offsets = new LinkedHashMap<>();
    private final Map<String, Trained> trained = new LinkedHashMap<>();
    private final List<Trained> trainedOfLayer = new ArrayList<>();

    Loading(
        Kernels kernels,
        PtNDManager manager,
        ModelFolder model,
        AdapterWeights adapter,
        ParameterLayout trainedLayout,
        DecoderOptions options) {
      this.kernels = kernels;
      this.manager = manager;
      this.model = model;
      this.adapter = adapter;
      this.trainedLayout = trainedLayout;
      precision = options.precision();
      copy = new TensorCopy(kernels, manager);
      putOffsets(trainedLayout, options.firstParameter(), offsets);
      offsets.keySet().forEach(name -> trained.put(name, null));
      putOffsets(adapter.layout().parameters(), 0, adapterOffsets);
      adapter.layout().targets().forEach(target -> adapted.put(target.linear().module(), target));
    }

    private static void putOffsets(ParameterLayout layout, long first, Map<String, Long> offsets) {
      List<Long> starts = layout.offsets();
      for (int i = 0; i < layout.parameters().size(); i++) {
        offsets.put(layout.parameters().get(i).name(), first + starts.get(i));
      }
    }

    LayerWeights layer(Layer layer) {
      Map<String, PtNDArray> roles = new HashMap<>();
      trainedOfLayer.clear();
      norm(roles, "attention_norm", layer.attentionNorm());
      List<String> inputs = layer.isFused() ? List.of("qkv") : List.of("q", "k", "v");
      for (int i = 0; i < inputs.size(); i++) {
        linear(roles, inputs.get(i), layer.attentionInputs().get(i));
      }
      layer.queryNorm().ifPresent(norm -> norm(roles, "q_norm", norm));
      layer.keyNorm().ifPresent(norm -> norm(roles, "k_norm", norm));
      linear(roles, "o", layer.attentionOutput());
      norm(roles, "mlp_norm", layer.mlpNorm());
      layer.gate().ifPresent(gate -> linear(roles, "gate", gate));
      linear(roles, "up", layer.up());
      linear(roles, "down", layer.down());
      trainedOfLayer.sort(Comparator.comparingLong(Trained::offset));
      return new LayerWeights(IValue.stringMapFrom(roles), List.copyOf(trainedOfLayer));
    }

    void norm(Map<String, PtNDArray> roles, String role, NormWeights norm) {
      roles.put(role + ".weight", float32(norm.weight()));
      if (norm.hasBias()) {
        roles.put(role + ".bias", float32(norm.bias()));
      }
    }

    private void linear(Map<String, PtNDArray> roles, String role, Linear linear) {
      roles.put(role + (linear.transposed() ? ".weight_t" : ".weight"), product(linear.weight()));
      if (linear.hasBias()) {
        roles.put(role + ".bias", float32(linear.bias()));
      }
      AdapterLayout.Target target = adapted.get(linear.module());
      if (target != null) {
        roles.put(role + ".lora_a", ofAdapter(target.a()));
        roles.put(role + ".lora_b", ofAdapter(target.b()));
      }
    }

    /** A factor of a low-rank term, or a head that the adapter brings, float32. */
    PtNDArray ofAdapter(Parameter parameter) {
      PtNDArray tensor = empty(parameter.shape());
      copy.fromVector(manager, adapter.values(), adapterOffsets.get(parameter.name()), tensor);
      return registered(parameter.name(), tensor);
    }

    /** A tensor of the model as float32. */
    PtNDArray float32(String name) {
      PtNDArray tensor = empty(model.shape(name));
      copy.fromModel(manager, model, name, tensor);
      return registered(name, tensor);
    }

    /** A weight of a product: float32 where trained, else as the products want it. */
    PtNDArray product(String name) {
      PtNDArray tensor = float32(name);
      if (isOperandAsIs(name)) {
        return tensor;
      }
      try (tensor) {
        return kernels.call(manager, "to_bfloat16", tensor);
      }
    }

    /** A weight that is an embedding as well, as the products want it. */
    PtNDArray tiedProduct(String name, PtNDArray tensor) {
      return isOperandAsIs(name) ? tensor : kernels.call(manager, "to_bfloat16", tensor);
    }

    private boolean isOperandAsIs(String name) {
      return precision == Precision.FLOAT32 || offsets.containsKey(name);
    }

    /** A zero weight where the layout has the value head's. */
    List<Trained> valueHead() {
      for (Parameter parameter : trainedLayout.parameters()) {
        if (parameter.name().equals(CausalModel.VALUE_HEAD)) {
          PtNDArray tensor = (PtNDArray) manager.zeros(shape(parameter.shape()), DataType.FLOAT32);
          registered(parameter.name(), tensor);
        }
      }
      return trainedNow(CausalModel.VALUE_HEAD);
    }

    List<Trained> trainedNow(String name) {
      Trained parameter = trained.get(name);
      return parameter == null ? List.of() : List.of(parameter);
    }

    private PtNDArray empty(List<Long> shape) {
      return manager.create(shape(shape), DataType.FLOAT32);
    }

    private static Shape shape(List<Long> sizes) {
      return new Shape(sizes.stream().mapToLong(Long::longValue).toArray());
    }

    private PtNDArray registered(String name, PtNDArray tensor) {
      if (offsets.containsKey(name)) {
        JniUtils.attachGradient(tensor, true);
        Trained parameter = new Trained(tensor, offsets.get(name));
        trained.put(name, parameter);
        trainedOfLayer.add(parameter);
      }
      return tensor;
    }
  }
}

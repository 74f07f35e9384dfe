package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.parameters.FlatVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One forward pass and its gradient. Gradients are asked for as results, never accumulated on the
 * parameters, so nothing is left over from one pass to the next.
 */
final class DecoderPass implements CausalModel.Pass {

  /** What a head gives that a loss can be derived by, in the order of its gradients. */
  private static final List<Quantity> OF_HEAD =
      List.of(Quantity.SCORE, Quantity.LOG_PROB, Quantity.ENTROPY, Quantity.VALUE);

  private final PtNDManager manager;
  private final Kernels kernels;
  private final Weights weights;
  private final LayerStack stack;
  private final Head head;
  private final Optional<ValueHead> valueHead;
  private final TokenBatch batch;
  private final BatchContext context;
  private final CausalModel.Adapter adapter;
  private final boolean isDifferentiable;
  private final boolean isRecomputed;
  private final double temperature;
  private final long firstParameter;

  /**
   * Where layers are recomputed, the input of each layer from {@link Weights#lowestTrainedLayer}
   * on; nothing below it has a gradient.
   */
  private final PtNDArray[] inputs;

  /** What the final norm reads, where the graph begins there. */
  private PtNDArray normInput;

  private final PtNDArray hidden;

  /** The hidden states that the head reads: over the temperature, where that is not 1. */
  private final PtNDArray ofHead;

  private final Head.Values outputs;
  private final Optional<ReferenceReading> reading;
  private final Map<Quantity, float[]> ofReference;
  private float[] lastHidden = new float[0];
  private final float[] tokenValues;
  private boolean isSpent;

  DecoderPass(
      PtNDManager manager,
      Kernels kernels,
      Weights weights,
      LayerStack stack,
      Head head,
      Optional<ValueHead> valueHead,
      DecoderOptions options,
      TokenBatch batch,
      BatchContext context,
      Set<Quantity> quantities,
      Optional<ReferenceReading> reading,
      float[] own,
      CausalModel.Mode mode,
      CausalModel.Adapter adapter) {
    this.reading = reading;
    this.manager = manager;
    this.kernels = kernels;
    this.weights = weights;
    this.stack = stack;
    this.head = head;
    this.valueHead = valueHead;
    this.batch = batch;
    this.context = context;
    this.adapter = adapter;
    isDifferentiable = mode == CausalModel.Mode.TRAIN;
    temperature = options.temperature();
    firstParameter = options.firstParameter();
    isRecomputed = options.recomputation() == DecoderOptions.Recomputation.LAYERS;
    inputs = new PtNDArray[stack.layers()];
    if (batch.positions() == 0) {
      hidden = null;
      ofHead = null;
      outputs = new Head.Values(Map.of(), List.of());
      ofReference = Map.of();
      tokenValues = new float[0];
    } else {
      hidden = runLayers();
      ofHead = temperature == 1 ? hidden : kernels.call(manager, "divided", hidden, temperature);
      outputs = head.values(manager, ofHead, batch.targets(), ofHead(quantities), isDifferentiable);
      boolean isBeside =
          quantities.contains(Quantity.VALUE) && !outputs.values().containsKey(Quantity.VALUE);
      tokenValues = isBeside ? valuesOfTokens() : new float[0];
      ofReference =
          reading
              .map(of -> of.values(manager, hidden, quantities, own, isDifferentiable))
              .orElseGet(Map::of);
      if (quantities.contains(Quantity.LAST_HIDDEN)) {
        try (PtNDArray last = kernels.call(manager, "select", hidden, lastRows(manager))) {
          lastHidden = last.toFloatArray();
        }
      }
    }
  }

  /** To the final norm's result [n, hidden]. */
  private PtNDArray runLayers() {
    boolean keepsGraph = isDifferentiable && !isRecomputed;
    PtNDArray x = stack.embed(manager, batch.ids(), context, isDifferentiable);
    for (int layer = 0; layer < stack.layers(); layer++) {
      PtNDArray y = stack.layer(manager, layer, x, context, adapter, keepsGraph);
      if (isDifferentiable && isRecomputed && layer >= weights.lowestTrainedLayer()) {
        inputs[layer] = x;
      } else if (!keepsGraph) {
        x.close();
      }
      x = y;
    }
    if (isDifferentiable && isRecomputed) {
      normInput = kernels.call(manager, "leaf", x);
      x = normInput;
    }
    return stack.finalNorm(manager, x, isDifferentiable);
  }

  private float[] valuesOfTokens() {
    return valueHead
        .orElseThrow(() -> new IllegalArgumentException("this model has no value head"))
        .values(manager, hidden);
  }

  /** What is read off the output head. */
  private static Set<Quantity> ofHead(Set<Quantity> quantities) {
    Set<Quantity> ofHead = new HashSet<>(quantities);
    ofHead.removeAll(Set.of(Quantity.VALUE, Quantity.LAST_HIDDEN));
    ofHead.removeIf(Quantity::readsReference);
    return ofHead;
  }

  private PtNDArray lastRows(PtNDManager scope) {
    long[] last = batch.lastOfSequence();
    return (PtNDArray) scope.create(last, new Shape(last.length));
  }

  /** [sequence][hidden]. */
  private float[][] lastHiddenBySequence() {
    int sequences = batch.counts().length;
    int width = lastHidden.length / Math.max(1, sequences);
    float[][] parts = new float[sequences][];
    for (int i = 0; i < sequences; i++) {
      parts[i] = Arrays.copyOfRange(lastHidden, i * width, (i + 1) * width);
    }
    return parts;
  }

  @Override
  public float[][] values(Quantity quantity) {
    if (quantity == Quantity.LAST_HIDDEN) {
      return lastHiddenBySequence();
    }
    if (ofReference.containsKey(quantity)) {
      float[] values = ofReference.get(quantity);
      return batch.bySequence(values, values.length / batch.positions());
    }
    boolean isValue = quantity == Quantity.VALUE && tokenValues.length > 0;
    float[] values = isValue ? tokenValues : outputs.values().get(quantity);
    if (values == null && batch.positions() > 0) {
      throw new IllegalArgumentException(quantity + " was not asked for");
    }
    return batch.bySequence(values == null ? new float[0] : values);
  }

  @Override
  public void backward(float[][] gradients, FlatVector into) {
    backward(Map.of(Quantity.LOG_PROB, gradients), into);
  }

  @Override
  public float[] backward(Map<Quantity, float[][]> gradients, FlatVector into) {
    if (!isDifferentiable || isSpent) {
      throw new IllegalStateException("a gradient can be asked for once, and only in mode TRAIN");
    }
    isSpent = true;
    Engine.prepareThread();
    requireDifferentiable(gradients.keySet());
    List<float[]> ofOutputs = new ArrayList<>();
    for (Quantity quantity : OF_HEAD) {
      boolean isBeside = quantity == Quantity.VALUE && valueHead.isPresent();
      if (gradients.containsKey(quantity) && !isBeside) {
        ofOutputs.add(batch.joined(gradients.get(quantity)));
      }
    }
    if (batch.positions() == 0) {
      into.fill(firstParameter, 0);
      return new float[0];
    }
    // Every parameter's gradient is written below; to zero them first would take as long.
    into.fill(firstParameter + weights.trainedLayout().size(), 0);
    try (PtNDManager scope = (PtNDManager) manager.newSubManager()) {
      List<PtNDArray> g = ofOutputs.stream().map(each -> vector(scope, each)).toList();
      List<PtNDArray> gradientsOfHead = ofHead(scope, g);
      addFurther(scope, gradients, gradientsOfHead, into);
      if (!weights.separateHead().isEmpty()) {
        write(weights.separateHead(), gradientsOfHead.subList(1, 2), into);
      }
      if (isRecomputed) {
        backwardByLayer(scope, gradientsOfHead, into);
      } else {
        List<Weights.Trained> body = new ArrayList<>(weights.embeddings());
        weights.layers().forEach(layer -> body.addAll(layer.trained()));
        body.addAll(weights.finalNorm());
        write(
            body,
            withHead(vjp(scope, hidden, body, List.of(), gradientsOfHead.get(0)), gradientsOfHead),
            into);
      }
      return ofNetworks(scope, gradients);
    }
  }

  /** Of the hidden states, then where it is trained of the head's weight. */
  private List<PtNDArray> ofHead(PtNDManager scope, List<PtNDArray> g) {
    List<PtNDArray> gradients =
        head.gradients(scope, ofHead, batch.targets(), outputs, g, weights.isHeadTrained());
    if (temperature == 1) {
      return gradients;
    }
    List<PtNDArray> scaled = new ArrayList<>(gradients);
    scaled.set(0, kernels.call(scope, "divided", gradients.get(0), temperature));
    return scaled;
  }

  /** Writes the gradient of the value head and adds that of the hidden states to the head's. */
  private void addValues(PtNDManager scope, PtNDArray g, List<PtNDArray> ofHead, FlatVector into) {
    List<PtNDArray> ofValues = valueHead.get().gradients(scope, hidden, g);
    kernels.call(scope, "accumulate", ofHead.get(0), ofValues.get(0)).close();
    write(weights.valueHead(), ofValues.subList(1, 2), into);
  }

  private static void zero(Weights.Trained parameter, FlatVector into) {
    long end = parameter.offset() + parameter.tensor().size();
    for (long i = parameter.offset(); i < end; i++) {
      into.set(i, 0);
    }
  }

  private static PtNDArray vector(PtNDManager scope, float[] numbers) {
    return (PtNDArray) scope.create(numbers, new Shape(numbers.length));
  }

  private static void requireDifferentiable(Set<Quantity> quantities) {
    for (Quantity quantity : quantities) {
      if (!quantity.isDifferentiable()) {
        throw new IllegalArgumentException(quantity + " is not differentiable");
      }
    }
  }

  /** Adds what other quantities than the head's say to the gradients behind it. */
  private void addFurther(
      PtNDManager scope,
      Map<Quantity, float[][]> gradients,
      List<PtNDArray> ofHead,
      FlatVector into) {
    float[][] values = gradients.get(Quantity.VALUE);
    if (values != null && valueHead.isPresent()) {
      addValues(scope, vector(scope, batch.joined(values)), ofHead, into);
    } else {
      weights.valueHead().forEach(unread -> zero(unread, into));
    }
    float[][] divergences = gradients.get(Quantity.REFERENCE_KL);
    if (divergences != null) {
      reading.orElseThrow().addDivergences(scope, hidden, batch.joined(divergences), ofHead);
    }
    float[][] last = gradients.get(Quantity.LAST_HIDDEN);
    if (last != null) {
      float[] joined = new float[lastHidden.length];
      int width = joined.length / last.length;
      for (int i = 0; i < last.length; i++) {
        System.arraycopy(last[i], 0, joined, i * width, width);
      }
      PtNDArray added = (PtNDArray) scope.create(joined, new Shape(last.length, width));
      kernels.call(scope, "add_rows", ofHead.get(0), lastRows(scope), added);
    }
  }

  private float[] ofNetworks(PtNDManager scope, Map<Quantity, float[][]> gradients) {
    Map<Quantity, float[]> ofMasks = new EnumMap<>(Quantity.class);
    for (Quantity mask : List.of(Quantity.REWARD_MASK, Quantity.KL_MASK)) {
      if (gradients.containsKey(mask)) {
        ofMasks.put(mask, batch.joined(gradients.get(mask)));
      }
    }
    return ofMasks.isEmpty() ? new float[0] : reading.orElseThrow().ofNetworks(scope, ofMasks);
  }

  /** From the last layer to the lowest that is trained, each computed again from its input. */
  private void backwardByLayer(PtNDManager scope, List<PtNDArray> ofHead, FlatVector into) {
    List<PtNDArray> norm =
        vjp(scope, hidden, weights.finalNorm(), List.of(normInput), ofHead.get(0));
    write(weights.finalNorm(), norm, into);
    PtNDArray g = norm.get(norm.size() - 1);
    for (int layer = stack.layers() - 1; layer >= weights.lowestTrainedLayer(); layer--) {
      PtNDArray x = inputs[layer];
      List<PtNDArray> gradients = stack.layerGradients(scope, layer, x, context, adapter, g);
      write(weights.layers().get(layer).trained(), gradients, into);
      g.close();
      g = gradients.get(gradients.size() - 1);
    }
    if (!weights.embeddings().isEmpty()) {
      List<PtNDArray> gradients = vjp(scope, inputs[0], weights.embeddings(), List.of(), g);
      write(weights.embeddings(), withHead(gradients, ofHead), into);
    }
  }

  private List<PtNDArray> vjp(
      PtNDManager scope,
      PtNDArray y,
      List<Weights.Trained> parameters,
      List<PtNDArray> more,
      PtNDArray g) {
    List<PtNDArray> wanted = new ArrayList<>();
    parameters.forEach(parameter -> wanted.add(parameter.tensor()));
    wanted.addAll(more);
    return wanted.isEmpty() ? List.of() : kernels.callForList(scope, "vjp", y, wanted, g);
  }

  /** Adds the head's gradient to the embedding's where the two are one matrix. */
  private List<PtNDArray> withHead(List<PtNDArray> gradients, List<PtNDArray> ofHead) {
    if (weights.isTied() && weights.isHeadTrained()) {
      kernels.call(manager, "accumulate", gradients.get(0), ofHead.get(1)).close();
    }
    return gradients;
  }

  /** Writes the parameters' gradients and frees them; more gradients may follow them. */
  private void write(List<Weights.Trained> parameters, List<PtNDArray> gradients, FlatVector into) {
    for (int i = 0; i < parameters.size(); i++) {
      try (PtNDArray gradient = gradients.get(i)) {
        weights.copy().toVector(manager, gradient, into, parameters.get(i).offset());
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}

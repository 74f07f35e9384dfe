package dev.collimate.nn;

import static dev.collimate.nn.DecoderOptions.Trained.ADAPTER;
import static dev.collimate.nn.DecoderOptions.Trained.ALL_WEIGHTS;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.Positions;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * A decoder of any supported family in native memory; one thread at a time. Nothing is random and
 * nothing adapts: equal inputs give equal bits at every call. Dropout is never applied.
 */
public final class Decoder implements CausalModel {

  private final ModelConfig config;
  private final DecoderOptions options;
  private final Kernels kernels;
  private final PtNDManager manager;
  private final Weights weights;
  private final LayerStack stack;
  private final Head head;
  private final Optional<ValueHead> valueHead;
  private final BatchContexts contexts;
  private Decoder reference;
  private Adapter adapterOfReference = Adapter.ON;
  private float[] own = new float[0];

  private Decoder(
      ModelFolder model, AdapterWeights adapter, ParameterLayout trained, DecoderOptions options) {
    Engine engine = Engine.current();
    config = model.config();
    this.options = options;
    kernels = engine.kernels();
    manager = engine.newManager();
    Precision precision = options.precision();
    weights = loadWeights(model, adapter, trained);
    stack = new LayerStack(kernels, weights, config, precision, adapter.scale());
    head = isScored() ? new ScoreHead(kernels, weights.head(), precision) : ofTokens(precision);
    valueHead = weights.valueHeadWeight().map(weight -> new ValueHead(kernels, weight));
    contexts = new BatchContexts(kernels, manager, config);
  }

  /**
   * Reads a model, and its adapter if there is one. {@link Engine#start} must have been called.
   *
   * @throws CollimateException of kind DATA or USAGE where the adapter does not fit the model, or
   *     is not supported
   * @throws IllegalArgumentException where the options train an adapter and there is none, or all
   *     weights beside one, or read values of another model than a classifier of one label
   */
  public static Decoder load(ModelFolder model, AdapterSource source, DecoderOptions options) {
    boolean hasAdapter = !(source instanceof AdapterSource.None);
    AdapterWeights adapter = AdapterWeights.of(source, model);
    ParameterLayout trained =
        switch (options.trained()) {
          case NONE -> new ParameterLayout(List.of());
          case ALL_WEIGHTS -> model.layout().parameters();
          case ADAPTER -> adapter.layout().parameters();
        };
    if (hasAdapter ? options.trained() == ALL_WEIGHTS : options.trained() == ADAPTER) {
      throw new IllegalArgumentException(
          options.trained()
              + " cannot be trained "
              + (hasAdapter ? "beside an adapter" : "without an adapter"));
    }
    if (options.values() == DecoderOptions.Values.SCORE && model.config().numLabels() != 1) {
      throw new IllegalArgumentException(
          "values are the scores of a classifier of one label, this model has "
              + model.config().numLabels());
    }
    if (options.values() == DecoderOptions.Values.HEAD) {
      trained = ValueHead.behind(trained, model.config().hiddenSize());
    }
    return new Decoder(model, adapter, trained, options);
  }

  /** Reads a model without an adapter. */
  public static Decoder load(ModelFolder model, DecoderOptions options) {
    return load(model, new AdapterSource.None(), options);
  }

  /**
   * Sets the model that quantities of a reference are read of. It stays the caller's to close,
   * after this one.
   *
   * @param other may be this model itself, with its adapter off
   * @throws CollimateException of kind USAGE where the two do not read the same vocabulary
   */
  public void compareWith(Decoder other, Adapter adapter) {
    if (other.config.vocabSize() != config.vocabSize()) {
      throw CollimateException.usage(
          "reference_model: its vocabulary has %d tokens, the model's has %d; divergences need the same"
              .formatted(other.config.vocabSize(), config.vocabSize()));
    }
    reference = other;
    adapterOfReference = adapter;
  }

  @Override
  public void loadOwn(double[] parameters) {
    own = new float[parameters.length];
    for (int i = 0; i < own.length; i++) {
      own[i] = (float) parameters[i];
    }
  }

  private Weights loadWeights(ModelFolder model, AdapterWeights adapter, ParameterLayout trained) {
    try {
      PtNDManager ofWeights = (PtNDManager) manager.newSubManager();
      Weights loaded = Weights.load(kernels, ofWeights, model, adapter, trained, options);
      // From here on a result that ends up among the weights is a leak, and an error.
      ofWeights.cap();
      return loaded;
    } catch (RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  /** Whether sequences are read once each, not token by token. */
  private boolean isScored() {
    return config.isClassifier() && options.values() != DecoderOptions.Values.SCORE;
  }

  private Head ofTokens(Precision precision) {
    return config.isClassifier()
        ? ScoreHead.ofValues(kernels, weights.head())
        : new OutputHead(kernels, weights.head(), precision);
  }

  /** Most logits that are held at a time, whatever the batch. */
  public static int chunkLogits(ComputeDevice.Kind kind) {
    return OutputHead.chunkLogits(kind);
  }

  /** Native tensors that the decoder holds outside of passes; constant, or there is a leak. */
  int heldTensors() {
    return manager.getManagedArrays().size();
  }

  public ModelConfig config() {
    return config;
  }

  @Override
  public ParameterLayout layout() {
    return weights.trainedLayout();
  }

  @Override
  public void load(FlatVector parameters) {
    Engine.prepareThread();
    requireSize(parameters);
    for (Weights.Trained parameter : weights.trained()) {
      weights.copy().fromVector(manager, parameters, parameter.offset(), parameter.tensor());
    }
  }

  @Override
  public void store(FlatVector into) {
    Engine.prepareThread();
    requireSize(into);
    for (Weights.Trained parameter : weights.trained()) {
      weights.copy().toVector(manager, parameter.tensor(), into, parameter.offset());
    }
  }

  @Override
  public Pass forward(
      List<Sequence> sequences, Set<Quantity> quantities, Mode mode, Adapter adapter) {
    Engine.prepareThread();
    sequences.forEach(sequence -> requireReadable(sequence.ids()));
    if (isScored() && sequences.stream().anyMatch(row -> row.length() == 0)) {
      throw CollimateException.data("A sequence without a token has no score");
    }
    PtNDManager pass = (PtNDManager) manager.newSubManager();
    try {
      TokenBatch batch =
          isScored()
              ? TokenBatch.ofScores(pass, sequences, config.tokens().pad(), config.numLabels())
              : TokenBatch.of(pass, sequences);
      return pass(
          pass,
          batch,
          of -> of.rightPadded(pass, batch.seq(), batch.rows()),
          quantities,
          mode,
          adapter);
    } catch (RuntimeException e) {
      pass.close();
      throw e;
    }
  }

  @Override
  public Pass forwardRows(
      List<List<Sequence>> rows, Set<Quantity> quantities, Mode mode, Adapter adapter) {
    if (options.sharing() == DecoderOptions.Sharing.NONE
        || rows.stream().allMatch(row -> row.size() < 2)) {
      return CausalModel.super.forwardRows(rows, quantities, mode, adapter);
    }
    Engine.prepareThread();
    rows.forEach(row -> row.forEach(sequence -> requireReadable(sequence.ids())));
    PtNDManager pass = (PtNDManager) manager.newSubManager();
    try {
      PackedRows packed = PackedRows.of(rows);
      TokenBatch batch = TokenBatch.of(pass, packed);
      return pass(
          pass, batch, of -> of.packed(pass, packed, batch.rows()), quantities, mode, adapter);
    } catch (RuntimeException e) {
      pass.close();
      throw e;
    }
  }

  private Pass pass(
      PtNDManager pass,
      TokenBatch batch,
      Function<BatchContexts, BatchContext> context,
      Set<Quantity> quantities,
      Mode mode,
      Adapter adapter) {
    Optional<ReferenceReading> reading =
        batch.positions() > 0 && quantities.stream().anyMatch(Quantity::readsReference)
            ? Optional.of(reading(pass, batch, context, quantities))
            : Optional.empty();
    return new DecoderPass(
        pass,
        kernels,
        weights,
        stack,
        head,
        valueHead,
        options,
        batch,
        context.apply(contexts),
        quantities,
        reading,
        own,
        mode,
        adapter);
  }

  private ReferenceReading reading(
      PtNDManager pass,
      TokenBatch batch,
      Function<BatchContexts, BatchContext> context,
      Set<Quantity> quantities) {
    if (reference == null) {
      throw new IllegalStateException("the model has no reference beside it");
    }
    boolean keepsLayers =
        quantities.stream().anyMatch(q -> q.readsReference() && q != Quantity.REFERENCE_KL);
    return new ReferenceReading(
        kernels,
        weights.head(),
        options.precision(),
        reference.states(
            pass, batch, context.apply(reference.contexts), adapterOfReference, keepsLayers));
  }

  /** What the layers give where something is read. */
  private ReferenceReading.States states(
      PtNDManager pass,
      TokenBatch batch,
      BatchContext context,
      Adapter adapter,
      boolean keepsLayers) {
    List<PtNDArray> layers = new ArrayList<>();
    PtNDArray x = stack.embed(pass, batch.ids(), context, false);
    for (int layer = 0; layer < stack.layers(); layer++) {
      PtNDArray y = stack.layer(pass, layer, x, context, adapter, false);
      x.close();
      x = y;
      if (keepsLayers && layer < stack.layers() - 1) {
        layers.add(kernels.call(pass, "positions", x, batch.rows()));
      }
    }
    PtNDArray last = stack.finalNorm(pass, x, false);
    if (keepsLayers) {
      layers.add(x);
    }
    return new ReferenceReading.States(layers, last, weights.head());
  }

  @Override
  public void close() {
    contexts.close();
    weights.close();
    manager.close();
  }

  /**
   * Starts to continue prompts token by token.
   *
   * @param prompts token ids, at least one each
   * @param newTokens how many tokens can follow each
   */
  public CachedRows continuing(List<int[]> prompts, int newTokens, Adapter adapter) {
    if (config.isClassifier()) {
      throw CollimateException.usage(
          "A model that gives scores of sequences continues no prompt; give a causal language model");
    }
    Engine.prepareThread();
    prompts.forEach(this::requireReadable);
    if (prompts.stream().anyMatch(prompt -> prompt.length == 0)) {
      throw new IllegalArgumentException("a prompt without a token cannot be continued");
    }
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
    if (newTokens > roomAfter(longest)) {
      throw CollimateException.data(
          "A prompt of %d tokens leaves room for %d new ones, not for %d: this model reads at most %d"
              .formatted(longest, roomAfter(longest), newTokens, config.maxPositions()));
    }
    PtNDManager ofRows = (PtNDManager) manager.newSubManager();
    try {
      return new CachedRows(ofRows, kernels, stack, head, contexts, prompts, newTokens, adapter);
    } catch (RuntimeException e) {
      ofRows.close();
      throw e;
    }
  }

  /**
   * How many tokens can follow a prompt: any number, or what is left of the learned positions. The
   * last new token is drawn but never read, so it needs none.
   */
  public int roomAfter(int promptLength) {
    return config.positions() instanceof Positions.Learned
        ? Math.max(0, config.maxPositions() - promptLength + 1)
        : Integer.MAX_VALUE;
  }

  /**
   * Logits of every position of padded rows.
   *
   * @param ids [batch][seq]
   * @param valid [batch][seq], false on padding
   * @param positions [batch][seq]
   * @return [batch * seq * vocab], of a classifier [batch * seq * labels], row-major
   */
  float[] logits(int[][] ids, boolean[][] valid, int[][] positions, Adapter adapter) {
    Engine.prepareThread();
    int batch = ids.length;
    int seq = ids[0].length;
    long[] flat = Arrays.stream(ids).flatMapToInt(Arrays::stream).asLongStream().toArray();
    try (PtNDManager pass = (PtNDManager) manager.newSubManager()) {
      PtNDArray tokens = (PtNDArray) pass.create(flat, new Shape(batch, seq));
      PtNDArray all = (PtNDArray) pass.arange(0, batch * seq, 1, DataType.INT64);
      PtNDArray mask = (PtNDArray) pass.create(valid);
      BatchContext context = contexts.padded(pass, mask, 0, positions, all);
      PtNDArray x = stack.embed(pass, tokens, context, false);
      for (int layer = 0; layer < stack.layers(); layer++) {
        x = stack.layer(pass, layer, x, context, adapter, false);
      }
      return head.logits(pass, stack.finalNorm(pass, x, false)).toFloatArray();
    }
  }

  private void requireSize(FlatVector vector) {
    long needed = options.firstParameter() + layout().size();
    if (vector.size() < needed) {
      throw new IllegalArgumentException(
          "the model's trained numbers end at %d, got %d".formatted(needed, vector.size()));
    }
  }

  private void requireReadable(int[] ids) {
    if (config.positions() instanceof Positions.Learned && ids.length > config.maxPositions()) {
      throw CollimateException.data(
          "A sequence has %d tokens, this model reads at most %d"
              .formatted(ids.length, config.maxPositions()));
    }
    for (int id : ids) {
      if (id < 0 || id >= config.vocabSize()) {
        throw CollimateException.data(
            "A sequence has the token id %d, this model's vocabulary has ids 0 to %d"
                .formatted(id, config.vocabSize() - 1));
      }
    }
  }
}

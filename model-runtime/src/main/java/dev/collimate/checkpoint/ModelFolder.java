package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/** A model in Hugging Face's layout, opened and checked; its tensors are read when asked for. */
public final class ModelFolder implements AutoCloseable {

  static final String CONFIG = "config.json";

  private final Folder folder;
  private final ModelConfig config;
  private final TensorFiles tensors;
  private final DecoderLayout layout;
  private final Optional<OutTensor> freshHead;

  private ModelFolder(
      Folder folder,
      ModelConfig config,
      TensorFiles tensors,
      DecoderLayout layout,
      Optional<OutTensor> freshHead) {
    this.folder = folder;
    this.config = config;
    this.tensors = tensors;
    this.layout = layout;
    this.freshHead = freshHead;
  }

  /**
   * Opens a model folder and checks its configuration, its files and every tensor's name, shape and
   * type.
   *
   * @throws CollimateException of kind DATA that names the file, key or tensor
   */
  public static ModelFolder open(Folder folder) {
    requireModel(folder);
    ModelConfig config = ModelConfig.read(folder);
    TensorFiles tensors = TensorFiles.openModel(folder);
    try {
      DecoderLayout layout = DecoderLayout.of(config, tensors, folder.location());
      return new ModelFolder(folder, config, tensors, layout, Optional.empty());
    } catch (RuntimeException e) {
      tensors.close();
      throw e;
    }
  }

  /**
   * Opens a model folder as a model that gives scores: a sequence classifier as it is, a causal
   * language model with a fresh {@code score} in place of its output head, drawn as transformers
   * draws it (normal, {@code initializer_range}).
   *
   * @param seed every entry depends on the seed and its index alone
   * @throws CollimateException of kind DATA as {@link #open}, and where a classifier gives another
   *     number of scores
   */
  public static ModelFolder openClassifier(Folder folder, int numLabels, long seed) {
    return openClassifier(
        folder,
        numLabels,
        (weight, config) -> ModelInit.normal(weight, config.initializerRange(), seed));
  }

  /**
   * Opens a model folder as a model that gives one value: a sequence classifier of one label as it
   * is, a causal language model with a {@code score} of zeros in place of its output head.
   *
   * @throws CollimateException of kind DATA as {@link #openClassifier(Folder, int, long)}
   */
  public static ModelFolder openValueModel(Folder folder) {
    return openClassifier(folder, 1, (weight, config) -> ModelInit.zeros());
  }

  private static ModelFolder openClassifier(
      Folder folder,
      int numLabels,
      BiFunction<Parameter, ModelConfig, OutTensor.Values> ofFreshHead) {
    ModelFolder model = open(folder);
    if (model.config.numLabels() == numLabels) {
      return model;
    }
    if (model.config.isClassifier()) {
      model.close();
      throw CollimateException.data(
          "The model in %s gives %d scores of a sequence, %d are needed; start from a causal language model, or from one with so many labels"
              .formatted(folder.location(), model.config.numLabels(), numLabels));
    }
    ModelConfig config = model.config.asClassifier(numLabels);
    DecoderLayout layout = model.layout.withHead(DecoderLayout.of(config).head());
    Parameter weight = new Parameter(layout.head().weight(), layout.head().weightShape());
    OutTensor head =
        new OutTensor(
            weight,
            model.tensors.dtype(layout.tokens().weight()),
            ofFreshHead.apply(weight, config));
    return new ModelFolder(folder, config, model.tensors, layout, Optional.of(head));
  }

  private static void requireModel(Folder folder) {
    try {
      if (!folder.contains(CONFIG) && folder.contains(AdapterConfigParser.FILE)) {
        throw CollimateException.data(
            "%s holds an adapter, a model folder with '%s' is expected"
                .formatted(folder.location(), CONFIG));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Folder folder() {
    return folder;
  }

  public ModelConfig config() {
    return config;
  }

  /** The stored tensors; a fresh head is not among them. */
  public TensorFiles tensors() {
    return tensors;
  }

  /** Whether the head is made up and stands in no file. */
  boolean hasFreshHead() {
    return freshHead.isPresent();
  }

  /** Type of a tensor of the layout; of a fresh head the type of the embedding. */
  Dtype dtype(String name) {
    return fresh(name).map(OutTensor::dtype).orElseGet(() -> tensors.dtype(name));
  }

  /** Shape of a tensor of the layout. */
  public List<Long> shape(String name) {
    return fresh(name).map(head -> head.parameter().shape()).orElseGet(() -> tensors.shape(name));
  }

  /**
   * Fills the buffer's remaining space with a tensor of the layout from an element on, widened to
   * float32.
   */
  public void readFloat32(String name, long firstElement, FloatBuffer into) {
    Optional<OutTensor> head = fresh(name);
    if (head.isPresent()) {
      head.get().values().read(firstElement, into);
    } else {
      tensors.readFloat32(name, firstElement, into);
    }
  }

  private Optional<OutTensor> fresh(String name) {
    return freshHead.filter(head -> head.name().equals(name));
  }

  /** Names and shapes of the tensors, as they stand in this folder. */
  public DecoderLayout layout() {
    return layout;
  }

  public boolean hasTokenizer() {
    try {
      return folder.contains("tokenizer.json");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A quick hash (hexadecimal SHA-256) of config.json, of the tensor files' sizes and headers, and
   * of the first {@value Fingerprint#SAMPLE_BYTES} bytes of every tensor. It tells checkpoints of
   * one training apart; for a proof of equality see {@link #contentHash()}.
   */
  public String fingerprint() {
    return Fingerprint.quick(folder, CONFIG, tensors);
  }

  /** The hash of config.json and of every byte of the tensor files; reads them all. */
  public String contentHash() {
    return Fingerprint.full(folder, CONFIG, tensors);
  }

  @Override
  public void close() {
    tensors.close();
  }
}

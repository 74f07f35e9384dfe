package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.nio.FloatBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A LoRA adapter in PEFT's layout; its tensors are read when asked for. */
public final class AdapterFolder implements AutoCloseable {

  private final Folder folder;
  private final AdapterConfig config;
  private final TensorFiles tensors;

  private AdapterFolder(Folder folder, AdapterConfig config, TensorFiles tensors) {
    this.folder = folder;
    this.config = config;
    this.tensors = tensors;
  }

  /**
   * Opens an adapter folder.
   *
   * @throws CollimateException of kind DATA that names the file and key
   */
  public static AdapterFolder open(Folder folder) {
    return new AdapterFolder(folder, AdapterConfig.read(folder), TensorFiles.openAdapter(folder));
  }

  public Folder folder() {
    return folder;
  }

  public AdapterConfig config() {
    return config;
  }

  public TensorFiles tensors() {
    return tensors;
  }

  /**
   * Opens the model that the adapter is on. Where the adapter brings a score head, a causal
   * language model is opened with one of that size, whose own values nothing reads.
   *
   * @throws CollimateException of kind DATA as {@link ModelFolder#open}
   */
  public ModelFolder openBase(Folder model) {
    if (config.task() == AdapterConfig.Task.CAUSAL_LM) {
      return ModelFolder.open(model);
    }
    String head = AdapterLayout.PREFIX + DecoderNames.SCORE + ".weight";
    List<Long> shape = tensors.shape(head);
    if (shape.isEmpty()) {
      throw CollimateException.data(
          "Tensor '%s' in %s has shape [], labels and hidden size are expected"
              .formatted(head, folder.location()));
    }
    return ModelFolder.openClassifier(model, Math.toIntExact(shape.get(0)), /* seed= */ 0);
  }

  /**
   * The adapter's tensors on a model, checked: each is there with its shape, and there is no other.
   *
   * @throws CollimateException of kind DATA that names the tensor
   */
  public AdapterLayout layout(DecoderLayout model) {
    AdapterLayout layout;
    try {
      layout = AdapterLayout.ofMatching(config, model);
    } catch (CollimateException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "The adapter in %s does not fit the model: %s"
              .formatted(folder.location(), e.getMessage()),
          e);
    }
    Set<String> expected = new HashSet<>();
    for (Parameter parameter : layout.parameters().parameters()) {
      expected.add(parameter.name());
      LayoutCheck.requireTensor(
          tensors, folder.location(), parameter, "the model and adapter_config.json make it");
    }
    for (String name : tensors.names()) {
      if (!expected.contains(name)) {
        throw CollimateException.data(
            "Tensor '%s' in %s belongs to no module that adapter_config.json targets in the model"
                .formatted(name, folder.location()));
      }
    }
    return layout;
  }

  /** Reads the factors, widened to float32, in the order of the layout's parameters. */
  public FlatVector values(AdapterLayout layout) {
    ParameterLayout parameters = layout.parameters();
    FlatVector values = new FlatVector(parameters.size());
    long offset = 0;
    for (Parameter parameter : parameters.parameters()) {
      float[] tensor = tensors.readFloat32(parameter.name());
      values.put(offset, FloatBuffer.wrap(tensor));
      offset += tensor.length;
    }
    return values;
  }

  /** As {@link ModelFolder#fingerprint()}, with adapter_config.json in place of config.json. */
  public String fingerprint() {
    return Fingerprint.quick(folder, AdapterConfigParser.FILE, tensors);
  }

  /** The hash of adapter_config.json and of every byte of the tensor file. */
  public String contentHash() {
    return Fingerprint.full(folder, AdapterConfigParser.FILE, tensors);
  }

  @Override
  public void close() {
    tensors.close();
  }
}

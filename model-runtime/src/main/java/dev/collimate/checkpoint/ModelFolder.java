package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.io.IOException;
import java.io.UncheckedIOException;

/** A model in Hugging Face's layout, opened and checked; its tensors are read when asked for. */
public final class ModelFolder implements AutoCloseable {

  static final String CONFIG = "config.json";

  private final Folder folder;
  private final ModelConfig config;
  private final TensorFiles tensors;
  private final DecoderLayout layout;

  private ModelFolder(
      Folder folder, ModelConfig config, TensorFiles tensors, DecoderLayout layout) {
    this.folder = folder;
    this.config = config;
    this.tensors = tensors;
    this.layout = layout;
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
      return new ModelFolder(folder, config, tensors, layout);
    } catch (RuntimeException e) {
      tensors.close();
      throw e;
    }
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

  public TensorFiles tensors() {
    return tensors;
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

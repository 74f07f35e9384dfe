package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.files.Folder;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.Precision;
import dev.collimate.storage.HadoopFolder;
import java.io.Serializable;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * Which model a job reads, and how it computes.
 *
 * @param model the model's folder
 * @param modelFingerprint of its files, as the driver saw them
 * @param adapter the adapter's folder, empty for none
 * @param adapterFingerprint of its files, empty for none
 * @param numLabels scores that it gives for a sequence; 0: it is a causal language model
 * @param precision arithmetic of the products
 * @param threads of one operation
 * @param sharing whether what the sequences of a row begin with is computed once
 * @param device what an executor computes on
 * @param temperature what logits are divided by before log-probabilities are read off them
 */
public record ModelSpec(
    String model,
    String modelFingerprint,
    String adapter,
    String adapterFingerprint,
    int numLabels,
    Precision precision,
    int threads,
    Sharing sharing,
    Device device,
    double temperature)
    implements Serializable {

  /** Log-probabilities of the model itself, on the CPU. */
  public ModelSpec(
      String model,
      String modelFingerprint,
      String adapter,
      String adapterFingerprint,
      int numLabels,
      Precision precision,
      int threads,
      Sharing sharing) {
    this(
        model,
        modelFingerprint,
        adapter,
        adapterFingerprint,
        numLabels,
        precision,
        threads,
        sharing,
        Device.CPU,
        /* temperature= */ 1);
  }

  /**
   * Opens the folders once to take their fingerprints. Nothing is shared; on the CPU.
   *
   * @param modelKey the key or option that names the model, for messages; so {@code adapterKey}
   */
  public static ModelSpec of(
      String modelKey,
      String model,
      String adapterKey,
      Optional<String> adapter,
      Precision precision,
      int threads,
      Configuration configuration) {
    Folder base = HadoopFolder.open(modelKey, model, configuration);
    if (adapter.isEmpty()) {
      try (ModelFolder folder = ModelFolder.open(base)) {
        int numLabels = folder.config().numLabels();
        return new ModelSpec(
            model, folder.fingerprint(), "", "", numLabels, precision, threads, Sharing.NONE);
      }
    }
    try (AdapterFolder adapterFolder =
            AdapterFolder.open(HadoopFolder.open(adapterKey, adapter.get(), configuration));
        ModelFolder folder = adapterFolder.openBase(base)) {
      return new ModelSpec(
          model,
          folder.fingerprint(),
          adapter.get(),
          adapterFolder.fingerprint(),
          folder.config().numLabels(),
          precision,
          threads,
          Sharing.NONE);
    }
  }

  /**
   * The same, which must be a causal language model.
   *
   * @param key that names the model, for the message
   */
  public ModelSpec requireCausal(String key) {
    if (numLabels > 0) {
      throw CollimateException.usage(
          "%s: '%s' gives scores of sequences (a reward model), a causal language model is needed"
              .formatted(key, model));
    }
    return this;
  }

  public ModelSpec withSharing(Sharing other) {
    return with(other, device, temperature);
  }

  public ModelSpec on(Device other) {
    return with(sharing, other, temperature);
  }

  public ModelSpec withTemperature(double other) {
    return with(sharing, device, other);
  }

  private ModelSpec with(Sharing otherSharing, Device otherDevice, double otherTemperature) {
    return new ModelSpec(
        model,
        modelFingerprint,
        adapter,
        adapterFingerprint,
        numLabels,
        precision,
        threads,
        otherSharing,
        otherDevice,
        otherTemperature);
  }

  /** Where an adapter is, if there is one. */
  public Optional<String> adapterFolder() {
    return adapter.isEmpty() ? Optional.empty() : Optional.of(adapter);
  }
}

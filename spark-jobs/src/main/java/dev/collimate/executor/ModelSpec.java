package dev.collimate.executor;

import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.nn.ComputeDevice;
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
 * @param precision arithmetic of the products
 * @param threads of one operation
 * @param sharing whether what the sequences of a row begin with is computed once
 */
public record ModelSpec(
    String model,
    String modelFingerprint,
    String adapter,
    String adapterFingerprint,
    Precision precision,
    int threads,
    Sharing sharing)
    implements Serializable {

  /**
   * Opens the folders once to take their fingerprints. Nothing is shared.
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
    String modelFingerprint;
    try (ModelFolder folder = ModelFolder.open(HadoopFolder.open(modelKey, model, configuration))) {
      modelFingerprint = folder.fingerprint();
    }
    String adapterFingerprint = "";
    if (adapter.isPresent()) {
      try (AdapterFolder folder =
          AdapterFolder.open(HadoopFolder.open(adapterKey, adapter.get(), configuration))) {
        adapterFingerprint = folder.fingerprint();
      }
    }
    return new ModelSpec(
        model,
        modelFingerprint,
        adapter.orElse(""),
        adapterFingerprint,
        precision,
        threads,
        Sharing.NONE);
  }

  public ModelSpec withSharing(Sharing other) {
    return new ModelSpec(
        model, modelFingerprint, adapter, adapterFingerprint, precision, threads, other);
  }

  /** Where an adapter is, if there is one. */
  public Optional<String> adapterFolder() {
    return adapter.isEmpty() ? Optional.empty() : Optional.of(adapter);
  }

  /** The processor; a job of rows does not compute on a GPU yet. */
  public ComputeDevice device() {
    return ComputeDevice.cpu();
  }
}

package dev.collimate.executor;

import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Precision;
import java.io.Serializable;
import java.util.Optional;

/**
 * Which model a job reads, and how it computes.
 *
 * @param model the model's folder
 * @param modelFingerprint of its files, as the driver saw them
 * @param adapter the adapter's folder, empty for none
 * @param adapterFingerprint of its files, empty for none
 * @param precision arithmetic of the products
 * @param threads of one operation
 */
public record ModelSpec(
    String model,
    String modelFingerprint,
    String adapter,
    String adapterFingerprint,
    Precision precision,
    int threads)
    implements Serializable {

  /** Where an adapter is, if there is one. */
  public Optional<String> adapterFolder() {
    return adapter.isEmpty() ? Optional.empty() : Optional.of(adapter);
  }

  /** The processor; a job of rows does not compute on a GPU yet. */
  public ComputeDevice device() {
    return ComputeDevice.cpu();
  }
}

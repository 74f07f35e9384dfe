package dev.collimate.train;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.aggregate.RegistrationPolicy;
import dev.collimate.aggregate.WorkerPlace;
import dev.collimate.nn.Numerics;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a worker take part where it reads the driver's files and computes the same bits as the
 * others: the run's numerics fingerprint is that of the checkpoint resumed from, else that of the
 * reference's log-probabilities, else the first worker's.
 */
final class Admission implements RegistrationPolicy {

  private static final Logger log = LoggerFactory.getLogger(Admission.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What a worker says of itself.
   *
   * @param numerics the numerics fingerprint
   * @param probe what it read of the probe file that the driver wrote below the output
   * @param modelFingerprint of the model folder as it sees it
   */
  record Description(Map<String, String> numerics, String probe, String modelFingerprint) {
    Description {
      numerics = Map.copyOf(numerics);
      requireNonNull(probe, "probe");
      requireNonNull(modelFingerprint, "modelFingerprint");
    }

    byte[] toBytes() {
      try {
        return JSON.writeValueAsBytes(this);
      } catch (JsonProcessingException e) {
        throw new AssertionError("a record of plain values becomes JSON", e);
      }
    }

    /** Empty where the bytes are no description, as another version's are not. */
    static Optional<Description> of(byte[] bytes) {
      try {
        return Optional.ofNullable(JSON.readValue(bytes, Description.class));
      } catch (IOException e) {
        log.debug("A description cannot be read", e);
        return Optional.empty();
      }
    }
  }

  private final String probe;
  private final String modelFingerprint;
  private final boolean mixed;
  private Map<String, String> numerics;
  private boolean exact;

  /**
   * @param numerics of the checkpoint resumed from, or of the reference's log-probabilities; empty
   *     where there is neither
   * @param exact whether the run has been exact so far
   * @param mixed whether other fingerprints are let in, which ends exactness
   */
  Admission(
      String probe,
      String modelFingerprint,
      Map<String, String> numerics,
      boolean exact,
      boolean mixed) {
    this.probe = probe;
    this.modelFingerprint = modelFingerprint;
    this.numerics = new TreeMap<>(numerics);
    this.exact = exact;
    this.mixed = mixed;
  }

  @Override
  public synchronized Optional<String> refuse(WorkerPlace worker, byte[] description) {
    Optional<Description> read = Description.of(description);
    if (read.isEmpty()) {
      return RegistrationPolicy.unreadable(worker);
    }
    Description said = read.get();
    if (!said.probe().equals(probe)) {
      return Optional.of(
          worker
              + " does not see the file that the driver wrote below output; put output on a file"
              + " system that all executors share, such as hdfs or s3a");
    }
    if (!said.modelFingerprint().equals(modelFingerprint)) {
      return Optional.of(
          worker
              + " reads other model files than the driver; put model on a file system that all"
              + " executors share, or the same copy on every machine");
    }
    if (numerics.isEmpty()) {
      numerics = new TreeMap<>(said.numerics());
      return Optional.empty();
    }
    List<String> differences =
        new Numerics(new TreeMap<>(numerics))
            .differences(new Numerics(new TreeMap<>(said.numerics())));
    if (differences.isEmpty()) {
      return Optional.empty();
    }
    if (!mixed) {
      return Optional.of(
          worker
              + " computes with other numerics than the run (run here, worker there: "
              + String.join("; ", differences)
              + "); give it the same machine type and settings, or set cluster.mixed: true to give"
              + " up bitwise reproducibility");
    }
    log.warn(
        "{} computes with other numerics ({}); the run is no longer exact", worker, differences);
    exact = false;
    return Optional.empty();
  }

  /** The run's fingerprint; empty before the first worker. */
  synchronized Map<String, String> numerics() {
    return Map.copyOf(numerics);
  }

  synchronized boolean exact() {
    return exact && Numerics.isExact(numerics);
  }
}

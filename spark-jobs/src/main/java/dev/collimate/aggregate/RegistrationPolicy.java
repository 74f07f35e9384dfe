package dev.collimate.aggregate;

import java.util.Optional;

/** Decides whether a worker may take part. */
@FunctionalInterface
public interface RegistrationPolicy {

  /** Takes whoever proves the token. */
  RegistrationPolicy ANYONE = (worker, description) -> Optional.empty();

  /** The refusal of a worker whose description makes no sense to this driver. */
  static Optional<String> unreadable(WorkerPlace worker) {
    return Optional.of(
        worker
            + " describes itself in a way this driver cannot read; give driver and executors the"
            + " same Collimate jar");
  }

  /**
   * Called on the aggregator's own thread, so it must be quick.
   *
   * @param description what the worker's task said of itself
   * @return why the worker is refused, in a sentence; empty where it is welcome
   */
  Optional<String> refuse(WorkerPlace worker, byte[] description);
}

package dev.collimate.aggregate;

import java.io.Serializable;

/**
 * How a worker's work ended.
 *
 * @param sentence what happened; empty where there is nothing to say
 */
public record WorkerEnd(Why why, String sentence) implements Serializable {

  /** What the seat does next follows from this. */
  public enum Why {
    /** The driver has no more work. */
    STOPPED,
    /** Another worker runs in this JVM. */
    BUSY,
    /** The driver does not want this worker. */
    REFUSED,
    /** The Spark task was killed. */
    KILLED,
    /** The driver cannot be reached. */
    DRIVER_GONE,
    /** The task failed. */
    FAILED,
    /** The task cannot be made on this machine, however often that is tried. */
    UNFIT
  }
}

package dev.collimate.aggregate;

/**
 * Where a worker runs; its name in messages, logs and statistics.
 *
 * @param executorId Spark's
 * @param host Spark's name of the machine
 * @param pid the JVM's process id
 */
public record WorkerPlace(String executorId, String host, long pid) {

  @Override
  public String toString() {
    return "executor " + executorId + " on " + host + " (pid " + pid + ")";
  }
}

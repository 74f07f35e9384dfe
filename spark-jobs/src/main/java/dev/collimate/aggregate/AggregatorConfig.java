package dev.collimate.aggregate;

/**
 * How the aggregator waits. What concerns the cluster (addresses, ports, encryption) comes from
 * Spark's own configuration.
 *
 * @param workers how many are asked for
 * @param startWaitSeconds how long a run waits for all of them before it starts with fewer
 * @param noWorkerSeconds how long it bears having none at all
 * @param silenceSeconds without a heartbeat for so long, a worker's leases are given out again
 * @param firstLeaseSeconds deadline of a lease while nothing has been measured
 * @param leaseSlackSeconds added to every learned deadline
 * @param maxLeaseLeaves largest lease in micro-batches
 * @param mixed whether workers of different numerics take part, so that differing duplicates are
 *     counted and not fatal
 */
public record AggregatorConfig(
    int workers,
    double startWaitSeconds,
    double noWorkerSeconds,
    double silenceSeconds,
    double firstLeaseSeconds,
    double leaseSlackSeconds,
    int maxLeaseLeaves,
    boolean mixed) {

  public AggregatorConfig {
    if (workers < 1) {
      throw new IllegalArgumentException("workers must be >= 1, got " + workers);
    }
    if (maxLeaseLeaves < 1) {
      throw new IllegalArgumentException("maxLeaseLeaves must be >= 1, got " + maxLeaseLeaves);
    }
  }

  public static AggregatorConfig forWorkers(int workers) {
    return new AggregatorConfig(workers, 60, 300, 5, 900, 10, 64, false);
  }

  public AggregatorConfig withMixed(boolean mixed) {
    return with(startWaitSeconds, noWorkerSeconds, mixed);
  }

  public AggregatorConfig withWaits(double startWaitSeconds, double noWorkerSeconds) {
    return with(startWaitSeconds, noWorkerSeconds, mixed);
  }

  private AggregatorConfig with(double startWaitSeconds, double noWorkerSeconds, boolean mixed) {
    return new AggregatorConfig(
        workers,
        startWaitSeconds,
        noWorkerSeconds,
        silenceSeconds,
        firstLeaseSeconds,
        leaseSlackSeconds,
        maxLeaseLeaves,
        mixed);
  }
}

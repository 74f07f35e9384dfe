package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import org.apache.spark.SparkConf;

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
 * @param format of the gradients that workers send; part of the result's identity
 */
public record AggregatorConfig(
    int workers,
    double startWaitSeconds,
    double noWorkerSeconds,
    double silenceSeconds,
    double firstLeaseSeconds,
    double leaseSlackSeconds,
    int maxLeaseLeaves,
    boolean mixed,
    GradientFormat format) {

  public AggregatorConfig {
    if (workers < 1) {
      throw new IllegalArgumentException("workers must be >= 1, got " + workers);
    }
    if (maxLeaseLeaves < 1) {
      throw new IllegalArgumentException("maxLeaseLeaves must be >= 1, got " + maxLeaseLeaves);
    }
  }

  public static AggregatorConfig forWorkers(int workers) {
    return new AggregatorConfig(workers, 60, 300, 5, 900, 10, 64, false, GradientFormat.FLOAT32);
  }

  /**
   * As Spark's properties say: {@code spark.collimate.startWait} (60s) and {@code
   * spark.collimate.noWorkerWait} (300s).
   *
   * @throws CollimateException of kind USAGE where one is no time
   */
  public static AggregatorConfig of(SparkConf spark, int workers) {
    AggregatorConfig defaults = forWorkers(workers);
    return defaults.withWaits(
        seconds(spark, "spark.collimate.startWait", defaults.startWaitSeconds),
        seconds(spark, "spark.collimate.noWorkerWait", defaults.noWorkerSeconds));
  }

  private static double seconds(SparkConf spark, String key, double otherwise) {
    try {
      return spark.getTimeAsSeconds(key, (long) otherwise + "s");
    } catch (NumberFormatException e) {
      throw CollimateException.usage(
          key + ": must be a time such as 90s or 5min, got '" + spark.get(key) + "'");
    }
  }

  public AggregatorConfig withMixed(boolean mixed) {
    return with(startWaitSeconds, noWorkerSeconds, firstLeaseSeconds, mixed, format);
  }

  public AggregatorConfig withFormat(GradientFormat format) {
    return with(startWaitSeconds, noWorkerSeconds, firstLeaseSeconds, mixed, format);
  }

  public AggregatorConfig withWaits(double startWaitSeconds, double noWorkerSeconds) {
    return with(startWaitSeconds, noWorkerSeconds, firstLeaseSeconds, mixed, format);
  }

  /** For leaves that take so many steps each, the first deadline is as many times as far. */
  public AggregatorConfig withLeavesOf(int steps) {
    return with(startWaitSeconds, noWorkerSeconds, firstLeaseSeconds * steps, mixed, format);
  }

  private AggregatorConfig with(
      double startWaitSeconds,
      double noWorkerSeconds,
      double firstLeaseSeconds,
      boolean mixed,
      GradientFormat format) {
    return new AggregatorConfig(
        workers,
        startWaitSeconds,
        noWorkerSeconds,
        silenceSeconds,
        firstLeaseSeconds,
        leaseSlackSeconds,
        maxLeaseLeaves,
        mixed,
        format);
  }
}

package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.aggregate.AggregatorConfig;
import dev.collimate.aggregate.GradientFormat;
import dev.collimate.aggregate.WorkerSeats;
import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.config.RunConfig;
import dev.collimate.data.PreparedData;
import dev.collimate.storage.Storage;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The workers of a run, from their first seat to their last: the aggregator, its seats and the
 * probe file.
 */
final class TrainingSession implements AutoCloseable {

  private final Aggregator aggregator;
  private final WorkerSeats seats;
  private final Admission admission;
  private final Storage storage;
  private final Path probe;

  private TrainingSession(
      Aggregator aggregator, WorkerSeats seats, Admission admission, Storage storage, Path probe) {
    this.aggregator = aggregator;
    this.seats = seats;
    this.admission = admission;
    this.storage = storage;
    this.probe = probe;
  }

  /**
   * Opens the seats and waits for the workers. While it is open, no other Spark job may be
   * submitted.
   *
   * @param numerics of the checkpoint resumed from, or of the reference's log-probabilities; empty
   *     where there is neither
   * @param exact whether the run has been exact so far
   */
  static TrainingSession open(
      JavaSparkContext spark,
      RunConfig run,
      PolicySource policy,
      PreparedData data,
      Map<String, String> numerics,
      boolean exact)
      throws IOException {
    Configuration configuration = spark.hadoopConfiguration();
    byte[] random = new byte[16];
    new SecureRandom().nextBytes(random);
    String content = HexFormat.of().formatHex(random);
    // A name of its own: a former driver that is still ending must not remove this one's.
    Path probe = new Path(run.output(), ".probe-" + content);
    Storage storage = Storage.of(probe, configuration);
    boolean mixed = run.cluster().mixed();
    Admission admission = new Admission(content, policy.fingerprint(), numerics, exact, mixed);
    try {
      // On a GPU the same work done twice may differ in the last bits, which is no fault.
      try (OutputStream out = storage.fileSystem().create(probe, /* overwrite= */ true)) {
        out.write(content.getBytes(StandardCharsets.UTF_8));
      }
      Aggregator aggregator =
          Aggregator.start(
              AggregatorConfig.of(spark.getConf(), run.cluster().workers())
                  .withMixed(mixed || run.cluster().device() != Device.CPU)
                  .withFormat(GradientFormat.valueOf(run.cluster().wire().name()))
                  .withLeavesOf(run.train().syncEvery()),
              admission);
      PolicyTaskFactory tasks =
          new PolicyTaskFactory(
              run, data, probe.toString(), new SerializableConfiguration(configuration));
      WorkerSeats seats;
      try {
        seats = WorkerSeats.open(spark, aggregator, tasks, run.cluster().workers());
      } catch (RuntimeException e) {
        aggregator.close();
        throw e;
      }
      TrainingSession session = new TrainingSession(aggregator, seats, admission, storage, probe);
      try {
        aggregator.awaitWorkers();
        return session;
      } catch (RuntimeException e) {
        session.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      storage.fileSystem().delete(probe, false);
      throw e;
    }
  }

  Aggregator aggregator() {
    return aggregator;
  }

  Admission admission() {
    return admission;
  }

  /** Whether all workers so far, and all their results, were the same to the bit. */
  boolean exact() {
    return admission.exact() && aggregator.differing() == 0;
  }

  @Override
  public void close() throws IOException {
    Closeable deleting = () -> storage.fileSystem().delete(probe, false);
    try (deleting;
        seats;
        aggregator) {
      // Closed from the last to the first, whatever one of them throws.
    }
  }
}

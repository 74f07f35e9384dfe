package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.server.TransportServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver's side: gives opaque work to whatever workers there are and sums their gradients in a
 * fixed order, so that the sum does not depend on them. One round (step or map) at a time.
 */
public final class Aggregator implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Aggregator.class);
  private static final long GOODBYE_MILLIS = 1_500;

  private final AtomicLong releasesOfMaps = new AtomicLong();
  private final Coordinator coordinator;
  private final TransportContext context;
  private final TransportServer server;
  private final Endpoint endpoint;
  private final boolean encrypted;

  private Aggregator(
      Coordinator coordinator,
      TransportContext context,
      TransportServer server,
      Endpoint endpoint,
      boolean encrypted) {
    this.coordinator = coordinator;
    this.context = context;
    this.server = server;
    this.endpoint = endpoint;
    this.encrypted = encrypted;
  }

  /** Starts on the running Spark driver, with its addresses and its security settings. */
  public static Aggregator start(AggregatorConfig config, RegistrationPolicy policy) {
    return start(config, policy, SparkEnv.get().conf(), SparkTransport.ofThisJvm());
  }

  static Aggregator start(
      AggregatorConfig config,
      RegistrationPolicy policy,
      SparkConf spark,
      SparkTransport transport) {
    String host = spark.get("spark.driver.host");
    String bindAddress = spark.get("spark.driver.bindAddress", host);
    int port = spark.getInt("spark.collimate.port", 0);
    if (!transport.isAuthenticated() && !transport.isEncrypted()) {
      log.warn("Parameters and gradients travel in clear: spark.authenticate is off");
    } else if (!transport.isEncrypted()) {
      log.warn("Parameters and gradients travel in clear: spark.network.crypto.enabled is off");
    }
    Endpoint secret = Endpoint.withRandomToken(host, port);
    Coordinator coordinator = new Coordinator(config, policy);
    TransportContext context = transport.context();
    try {
      TransportServer server =
          transport.listen(
              context,
              bindAddress,
              port,
              (channel, handler) -> new DriverConnection(channel, secret.token(), coordinator));
      Endpoint endpoint = new Endpoint(host, server.getPort(), secret.token());
      log.info("The aggregator listens on {} and is announced as {}", bindAddress, endpoint);
      return new Aggregator(coordinator, context, server, endpoint, transport.isEncrypted());
    } catch (RuntimeException e) {
      coordinator.close();
      context.close();
      throw e;
    }
  }

  public Endpoint endpoint() {
    return endpoint;
  }

  /**
   * Waits until all workers asked for have registered, or until the configured wait is over and at
   * least one has.
   *
   * @return how many there are
   * @throws CollimateException of kind RESOURCES where there is none for the configured time
   */
  public int awaitWorkers() {
    return await(coordinator.gather());
  }

  /**
   * Runs one step and blocks until the root of the gradient tree is there.
   *
   * @param version names the parameters' values; a worker that holds this version is not sent it
   *     again, so values that differ need versions that differ
   * @param parameters must not change until the call returns
   * @param leaves a payload per micro-batch, in order
   * @throws CollimateException where a leaf cannot be computed, two results for one leaf differ, or
   *     no worker is there for too long
   */
  public StepResult step(long version, FlatVector parameters, List<byte[]> leaves) {
    if (leaves.isEmpty()) {
      throw new IllegalArgumentException("a step needs at least one leaf");
    }
    return await(coordinator.begin(Reply.Work.GRADIENT, version, parameters, List.copyOf(leaves)));
  }

  /**
   * Lets the workers, which have no work at the moment, pull the next version while it is still
   * being computed. A step or map with this version and vector follows.
   *
   * @param parameters whose blocks will be computed in order
   * @return to be told how many of the first blocks are done: {@link FlatVector#blockCount()} in
   *     the end
   */
  public IntConsumer announce(long version, FlatVector parameters) {
    return coordinator.announce(version, parameters);
  }

  /**
   * Has work without gradients done: evaluation, samples, first passes.
   *
   * @return the results in the order of the payloads
   * @see #step for parameters and failures
   */
  public List<byte[]> map(long version, FlatVector parameters, List<byte[]> payloads) {
    if (payloads.isEmpty()) {
      return List.of();
    }
    StepResult result =
        await(coordinator.begin(Reply.Work.CALL, version, parameters, List.copyOf(payloads)));
    releasesOfMaps.addAndGet(result.stats().releases());
    return result.leaves();
  }

  /** Leaves of all maps so far that were given out again; those of a step are in its result. */
  public long releasesOfMaps() {
    return releasesOfMaps.get();
  }

  /** The workers that take part at the moment. */
  public List<WorkerPlace> workers() {
    return await(coordinator.workers());
  }

  /**
   * Results so far that differed in bits from the first of their leaf. Where there is one the sum
   * depends on who was faster; without {@code mixed} the step fails instead.
   */
  public long differing() {
    return coordinator.differing();
  }

  /** Whether what travels is encrypted. */
  public boolean isEncrypted() {
    return encrypted;
  }

  /** Remembers a worker's failure that the wire could not tell, for the message of a failed run. */
  public void noteFailure(String place, String sentence) {
    coordinator.noteFailure(place, sentence);
  }

  /** Fails whatever waits for workers, now or later, as long as none takes part. */
  void expectNobody(CollimateException failure) {
    coordinator.expectNobody(failure);
  }

  /** Tells the workers to stop, gives them a moment to hear it, and closes the port. */
  @Override
  public void close() {
    try {
      coordinator.stop().get(GOODBYE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      log.info("Some workers have not heard that the run is over; their seats are closed anyway");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    coordinator.close();
    server.close();
    context.close();
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof CollimateException failure) {
        // Thrown anew, so that the stack trace shows the caller too.
        CollimateException here =
            new CollimateException(failure.kind(), failure.getMessage(), failure);
        throw here;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for workers");
    }
  }
}

package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.junit.jupiter.api.Test;

class AggregatorFaultsTest {

  private static final long SIZE = 2L * FlatVector.BLOCK + 77;
  private static final FlatVector PARAMETERS = KnownVectors.parameters(SIZE, 1);
  private static final AggregatorConfig NERVOUS =
      new AggregatorConfig(
          1, 20, 20, /* silenceSeconds= */ 0.5, 900, 10, 64, false, GradientFormat.FLOAT32);

  @Test
  void aDamagedUploadIsNoticedAndSentAgain() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      Reply.Grant grant = worker.work();
      VectorBody body = body(grant);
      byte[] damaged = body.nioByteBuffer().array();
      damaged[FlatVector.BLOCK * 4 + 50] ^= 1;

      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      assertThat(worker.upload(header(grant), new NioManagedBuffer(ByteBuffer.wrap(damaged))))
          .isEqualTo(new Reply.Refused("the checksum of block 1 is wrong"));
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      assertThat(worker.upload(header(grant), body)).isEqualTo(new Reply.Fine());
      assertIsReference(step, 1);
    }
  }

  /** The worker's stream broke on its own side; the driver has not heard of it. */
  @Test
  void aResultThatIsOfferedAgainIsAskedForAgain() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      Reply.Grant grant = worker.work();
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      assertThat(worker.upload(header(grant), body(grant))).isEqualTo(new Reply.Fine());
      assertIsReference(step, 1);
    }
  }

  @Test
  void whatALostWorkerHeldOfAMapIsGivenOutAgainAndCounted() throws Exception {
    try (Cluster cluster = Cluster.of(1)) {
      CompletableFuture<List<byte[]>> map;
      try (RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
        map =
            CompletableFuture.supplyAsync(
                () -> cluster.aggregator().map(1, PARAMETERS, KnownVectors.payloads(3)));
        worker.work();
      }
      cluster.add(place -> new KnownVectors.Task());
      List<byte[]> results = map.get(20, TimeUnit.SECONDS);
      assertThat(results).hasSize(3);
      assertThat(results.get(0)).isEqualTo(KnownVectors.result(0, PARAMETERS));
      assertThat(cluster.aggregator().releasesOfMaps()).isEqualTo(1);
    }
  }

  @Test
  void aResultThatDoesNotComeThroughInThreeTriesIsSomebodyElsesToCompute() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      Reply.Grant grant = worker.work();
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Drop());
      cluster.add(place -> new KnownVectors.Task());
      assertIsReference(step, 1);
    }
  }

  @Test
  void aWorkerMayFailWhileItIsAwaitedToSend() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      Reply.Grant grant = worker.work();
      assertThat(worker.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Send());
      worker.call(
          new Request.Failed(grant.lease(), CollimateException.Kind.INTERNAL, "out of order"));
      assertThat(worker.upload(header(grant), body(grant)))
          .isEqualTo(new Reply.Refused("the result is not waited for"));
      cluster.add(place -> new KnownVectors.Task());
      assertIsReference(step, 1);
    }
  }

  @Test
  void theLastOfThreeFailuresTellsTheFirstAndItsMicroBatches() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      cluster.aggregator().noteFailure("executor 3", "exited with 137");
      CompletableFuture<StepResult> step = step(cluster, 4);
      for (int i = 0; i < 3; i++) {
        Reply.Grant grant = worker.work();
        worker.call(
            new Request.Failed(grant.lease(), CollimateException.Kind.INTERNAL, "cause " + i));
      }
      assertThatThrownBy(() -> step.get(20, TimeUnit.SECONDS))
          .rootCause()
          .hasMessageStartingWith(
              "one of micro-batches 0 to 1 failed 3 times, first on executor 7 on 127.0.0.1"
                  + " (pid 1): cause 0; asked for 1, 1 came so far; last seen ")
          .hasMessageContaining("; executor 3: exited with 137; ");
    }
  }

  @Test
  void aWorkerThatHasLostTheDriverDoesNotComputeOn() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        CutProxy proxy = new CutProxy(cluster.aggregator().endpoint().port())) {
      Endpoint real = cluster.aggregator().endpoint();
      AtomicInteger cuts = new AtomicInteger();
      AtomicBoolean noticed = new AtomicBoolean();
      cluster.add(
          place ->
              new KnownVectors.Task() {
                @Override
                public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
                  if (cuts.getAndIncrement() == 0) {
                    cut(proxy);
                    noticed.set(becomesTrue(isVoid));
                  }
                  return super.leaf(payload, gradientOut, isVoid);
                }
              },
          new Endpoint(real.host(), proxy.port(), real.token()));
      assertIsReference(step(cluster, 2), 2);
      assertThat(noticed).isTrue();
    }
  }

  private static void cut(CutProxy proxy) {
    try {
      proxy.cut();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean becomesTrue(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean() && System.nanoTime() < end) {
      LockSupport.parkNanos(1_000_000);
    }
    return condition.getAsBoolean();
  }

  @Test
  void anUploadThatNobodyAskedForIsSkipped() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      Reply.Grant grant = worker.work();
      assertThat(worker.upload(header(grant), body(grant)))
          .isEqualTo(new Reply.Refused("the result is not waited for"));
      cluster.add(place -> new KnownVectors.Task());
      worker.close();
      assertIsReference(step, 1);
    }
  }

  @Test
  void aWorkerThatDiesWhileItSendsCostsOnlyItsLease() throws Exception {
    try (Cluster cluster = Cluster.of(2);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step = step(cluster, 8);
      Reply.Grant grant = worker.work();
      worker.call(RawWorker.offer(grant, PARAMETERS));
      assertThatThrownBy(() -> worker.upload(header(grant), new TornBody(body(grant))))
          .hasRootCauseInstanceOf(IOException.class);
      cluster.add(place -> new KnownVectors.Task());
      StepResult result = assertIsReference(step, 8);
      assertThat(result.stats().releases()).isEqualTo(grant.node().leaves());
    }
  }

  @Test
  void aSilentWorkersLeaseIsGivenOutAgainAndItsLateResultDropped() throws Exception {
    try (Cluster cluster = new Cluster(NERVOUS, RegistrationPolicy.ANYONE, Cluster.plain());
        RawWorker frozen = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> first = step(cluster, 4);
      Reply.Grant grant = frozen.work();
      cluster.add(place -> new KnownVectors.Task());
      StepResult result = assertIsReference(first, 4);
      assertThat(result.stats().releases()).isEqualTo(grant.node().leaves());

      // The late result belongs to a step that is over; it comes in the middle of the next.
      CompletableFuture<StepResult> second = step(cluster, 4);
      assertThat(frozen.call(RawWorker.offer(grant, PARAMETERS))).isEqualTo(new Reply.Drop());
      assertIsReference(second, 4);
    }
  }

  @Test
  void otherBitsForTheSameLeafEndTheStepAndNameBothSenders() throws Exception {
    try (Cluster cluster = new Cluster(NERVOUS, RegistrationPolicy.ANYONE, Cluster.plain());
        RawWorker frozen = RawWorker.registered(cluster.aggregator().endpoint(), "7");
        RawWorker other = new RawWorker(cluster.aggregator().endpoint())) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      Reply.Grant grant = frozen.work();
      other.call(new Request.Arrive(new WorkerPlace("8", "127.0.0.1", 1)));
      other.call(new Request.Register(new byte[0]));
      Reply.Grant again = other.work();
      assertThat(again.node()).isEqualTo(grant.node());
      assertThat(other.call(RawWorker.offer(again, PARAMETERS))).isEqualTo(new Reply.Send());

      Request.Leaf wrong = new Request.Leaf(new ResultHash(1), new byte[0]);
      frozen.call(new Request.Offer(grant.lease(), List.of(wrong), 0, 0));
      assertThatThrownBy(() -> step.get(10, TimeUnit.SECONDS))
          .hasRootCauseInstanceOf(CollimateException.class)
          .hasRootCauseMessage(
              "micro-batch 0 came out with different bits from executor 8 on 127.0.0.1 (pid 1) and"
                  + " from executor 7 on 127.0.0.1 (pid 1); the result would depend on the cluster"
                  + " (cluster.mixed: true admits it)");
    }
  }

  @Test
  void amongMixedWorkersOtherBitsAreCountedForTheWholeRun() throws Exception {
    AggregatorConfig mixed = NERVOUS.withMixed(true);
    try (Cluster cluster = new Cluster(mixed, RegistrationPolicy.ANYONE, Cluster.plain());
        RawWorker frozen = RawWorker.registered(cluster.aggregator().endpoint(), "7");
        RawWorker other = new RawWorker(cluster.aggregator().endpoint())) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      Reply.Grant grant = frozen.work();
      other.call(new Request.Arrive(new WorkerPlace("8", "127.0.0.1", 1)));
      other.call(new Request.Register(new byte[0]));
      Reply.Grant again = other.work();
      other.call(RawWorker.offer(again, PARAMETERS));
      Request.Leaf wrong = new Request.Leaf(new ResultHash(1), new byte[0]);
      CompletableFuture<Reply> late =
          frozen.ask(new Request.Offer(grant.lease(), List.of(wrong), 0, 0));
      frozen.call(new Request.Heartbeat());
      assertThat(other.upload(header(again), body(again))).isEqualTo(new Reply.Fine());
      assertThat(RawWorker.get(late)).isEqualTo(new Reply.Drop());
      assertThat(assertIsReference(step, 1).stats().differingDuplicates()).isEqualTo(1);

      CompletableFuture<StepResult> next = step(cluster, 1);
      cluster.add(place -> new KnownVectors.Task());
      assertThat(assertIsReference(next, 1).stats().differingDuplicates()).isZero();
      assertThat(cluster.aggregator().differing()).isEqualTo(1);
    }
  }

  @Test
  void aDescriptionThatCannotBeJudgedCostsOnlyItsWorker() throws Exception {
    RegistrationPolicy fragile =
        (worker, description) -> {
          if (description[0] == 66) {
            throw new IllegalStateException("no such description");
          }
          return Optional.empty();
        };
    try (Cluster cluster = new Cluster(AggregatorConfig.forWorkers(1), fragile, Cluster.plain())) {
      CompletableFuture<StepResult> step = step(cluster, 3);
      Cluster.Worker strange =
          cluster.add(
              place ->
                  new KnownVectors.Task() {
                    @Override
                    public byte[] describe() {
                      return new byte[] {66};
                    }
                  });
      WorkerEnd end = strange.end();
      assertThat(end.why()).isEqualTo(WorkerEnd.Why.REFUSED);
      assertThat(end.sentence())
          .endsWith(
              " describes itself in a way this driver cannot read; give driver and executors the"
                  + " same Collimate jar");
      cluster.add(place -> new KnownVectors.Task());
      assertIsReference(step, 3);
    }
  }

  @Test
  void aRefusedWorkerHearsWhyAndSoDoesWhoeverWaitsForIt() {
    AggregatorConfig config = AggregatorConfig.forWorkers(1).withWaits(0.2, 1);
    RegistrationPolicy strict =
        (worker, description) -> Optional.of("its threads are 2, the run's are 1");
    try (Cluster cluster = new Cluster(config, strict, Cluster.plain())) {
      Cluster.Worker worker = cluster.add(place -> new KnownVectors.Task());
      assertThat(worker.end())
          .isEqualTo(new WorkerEnd(WorkerEnd.Why.REFUSED, "its threads are 2, the run's are 1"));
      assertThatThrownBy(() -> cluster.aggregator().awaitWorkers())
          .isInstanceOf(CollimateException.class)
          .hasMessageStartingWith(
              "no worker for 1 s: asked for 1, 1 came so far; last seen executor 0")
          .hasMessageEndingWith("its threads are 2, the run's are 1");
    }
  }

  @Test
  void aRunWithoutWorkersSaysSo() {
    AggregatorConfig config = AggregatorConfig.forWorkers(3).withWaits(0.2, 0.5);
    try (Cluster cluster = new Cluster(config, RegistrationPolicy.ANYONE, Cluster.plain())) {
      cluster.aggregator().noteFailure("executor 4", "exited with 137");
      assertThatThrownBy(() -> cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(2)))
          .isInstanceOf(CollimateException.class)
          .hasMessage("no worker for 1 s: asked for 3, 0 came so far; executor 4: exited with 137");
    }
  }

  @Test
  void badDataEndsTheStepWithTheTasksOwnSentence() {
    try (Cluster cluster = Cluster.of(1)) {
      cluster.add(
          place ->
              new KnownVectors.Task() {
                @Override
                public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
                  throw CollimateException.data("row 17: the loss is not a number");
                }
              });
      assertThatThrownBy(() -> cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(2)))
          .isInstanceOf(CollimateException.class)
          .hasMessage("row 17: the loss is not a number")
          .extracting(failure -> ((CollimateException) failure).kind())
          .isEqualTo(CollimateException.Kind.DATA);
    }
  }

  @Test
  void workersSurviveBadDataAndTheNextStepIsNotDisturbed() {
    try (Cluster cluster = Cluster.of(2)) {
      cluster.add(place -> new FailsAtVersionOne());
      cluster.add(place -> new FailsAtVersionOne());
      cluster.aggregator().awaitWorkers();
      assertThatThrownBy(() -> cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(9)))
          .hasMessage("not yet");
      FlatVector next = KnownVectors.parameters(SIZE, 2);
      StepResult result = cluster.aggregator().step(2, next, KnownVectors.payloads(9));
      assertThat(hash(result.gradient())).isEqualTo(hash(KnownVectors.sum(9, next)));
    }
  }

  @Test
  void aWorkerWhoseConnectionsBreakComesBack() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        CutProxy proxy = new CutProxy(cluster.aggregator().endpoint().port())) {
      Endpoint real = cluster.aggregator().endpoint();
      AtomicInteger cuts = new AtomicInteger();
      cluster.add(
          place ->
              new KnownVectors.Task() {
                @Override
                public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
                  if (KnownVectors.leaf(payload) == 3 && cuts.get() < 2) {
                    try {
                      cuts.addAndGet(proxy.cut() > 0 ? 1 : 0);
                    } catch (IOException e) {
                      throw new UncheckedIOException(e);
                    }
                  }
                  return super.leaf(payload, gradientOut, isVoid);
                }
              },
          new Endpoint(real.host(), proxy.port(), real.token()));
      StepResult result = cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(5));
      assertThat(hash(result.gradient())).isEqualTo(hash(KnownVectors.sum(5, PARAMETERS)));
      assertThat(cuts).hasValue(2);
      assertThat(result.stats().releases()).isPositive();
    }
  }

  @Test
  void aMicroBatchThatTakesEveryWorkerDownEndsTheStep() throws Exception {
    try (Cluster cluster = Cluster.of(1)) {
      CompletableFuture<StepResult> step = step(cluster, 1);
      for (int i = 0; i < 8; i++) {
        try (RawWorker worker =
            RawWorker.registered(cluster.aggregator().endpoint(), String.valueOf(i))) {
          worker.work();
        }
        if (i == 3) {
          // As Spark tells it, some time after the connection has closed.
          cluster.aggregator().noteFailure("executor 3", "exited with 137");
        }
      }
      assertThatThrownBy(() -> step.get(20, TimeUnit.SECONDS))
          .hasRootCauseInstanceOf(CollimateException.class)
          .rootCause()
          .hasMessageStartingWith(
              "8 workers were lost while they computed micro-batch 0, the last on executor 7 on"
                  + " 127.0.0.1 (pid 1); see the executors' stderr and"
                  + " spark.executor.memoryOverhead; asked for 1, 8 came so far; last seen")
          .hasMessageContaining("; executor 3: exited with 137; executor 0 on 127.0.0.1 (pid 1): ");
    }
  }

  @Test
  void aKilledWorkerEndsAtOnceAndIsMissed() throws Exception {
    try (Cluster cluster = Cluster.of(1)) {
      Cluster.Worker worker = cluster.add(place -> new KnownVectors.Task());
      cluster.aggregator().awaitWorkers();
      worker.kill();
      assertThat(worker.end())
          .isEqualTo(new WorkerEnd(WorkerEnd.Why.KILLED, "the Spark task was killed"));
      cluster.add(place -> new KnownVectors.Task());
      assertIsReference(step(cluster, 3), 3);
    }
  }

  @Test
  void aWorkerThatCannotConnectNamesBothEnds() throws Exception {
    int port;
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = taken.getLocalPort();
    }
    Endpoint nobody = Endpoint.withRandomToken("127.0.0.1", port);
    SparkTransport transport = Cluster.transport(Cluster.plain());
    try (DriverLink link = new DriverLink(nobody, transport, 1, () -> false)) {
      assertThatThrownBy(() -> link.connect(new WorkerPlace("0", "127.0.0.1", 1)))
          .isInstanceOf(DriverLink.BrokenException.class)
          .hasMessageStartingWith(
              "cannot connect to the driver at 127.0.0.1:"
                  + port
                  + " from "
                  + InetAddress.getLocalHost().getHostName()
                  + ": ")
          .hasMessageEndingWith(
              "; see spark.driver.host, spark.driver.bindAddress and spark.collimate.port");
    }
  }

  private static final class FailsAtVersionOne extends KnownVectors.Task {
    private long version;

    @Override
    public void parameters(long newVersion, FlatVector values) {
      version = newVersion;
      super.parameters(newVersion, values);
    }

    @Override
    public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
      if (version == 1 && KnownVectors.leaf(payload) == 5) {
        throw CollimateException.data("not yet");
      }
      return super.leaf(payload, gradientOut, isVoid);
    }
  }

  private static CompletableFuture<StepResult> step(Cluster cluster, int leaves) {
    return CompletableFuture.supplyAsync(
        () -> cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(leaves)),
        task -> {
          Thread thread = Executors.defaultThreadFactory().newThread(task);
          thread.setDaemon(true);
          thread.start();
        });
  }

  private static StepResult assertIsReference(CompletableFuture<StepResult> step, int leaves)
      throws Exception {
    StepResult result = step.get(20, TimeUnit.SECONDS);
    assertThat(hash(result.gradient())).isEqualTo(hash(KnownVectors.sum(leaves, PARAMETERS)));
    return result;
  }

  private static VectorBody body(Reply.Grant grant) {
    FlatVector sum = RawWorker.sum(grant, PARAMETERS);
    return VectorBody.of(
        new BlockEncoder(sum, grant.lease(), GradientFormat.FLOAT32, () -> false),
        0,
        sum.blockCount());
  }

  private static ByteBuffer header(Reply.Grant grant) {
    return DriverConnection.uploadHeader(grant.lease(), 0, PARAMETERS.blockCount());
  }

  private static ResultHash hash(FlatVector vector) {
    return ResultHash.of(vector, new byte[0]);
  }
}

package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.parameters.FlatVector;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What one peer may take of the driver, even one that knows the token. */
class PeerLimitsTest {

  private static final WorkerPlace PLACE = new WorkerPlace("7", "127.0.0.1", 1);

  @Test
  void aConnectionBelongsToOneWorkerOnly() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker first = new RawWorker(cluster.aggregator().endpoint());
        RawWorker second = new RawWorker(cluster.aggregator().endpoint())) {
      Reply.Arrived arrived = (Reply.Arrived) first.call(new Request.Arrive(PLACE));
      assertThat(second.call(new Request.Attach(arrived.session()))).isEqualTo(new Reply.Fine());
      assertCloses(first, new Request.Arrive(new WorkerPlace("8", "127.0.0.1", 1)));
      assertCloses(second, new Request.Attach(arrived.session()));
    }
  }

  @Test
  void sessionsCannotBeGuessed() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = new RawWorker(cluster.aggregator().endpoint());
        RawWorker other = new RawWorker(cluster.aggregator().endpoint())) {
      long first = ((Reply.Arrived) worker.call(new Request.Arrive(PLACE))).session();
      WorkerPlace elsewhere = new WorkerPlace("8", "127.0.0.1", 1);
      long second = ((Reply.Arrived) other.call(new Request.Arrive(elsewhere))).session();
      assertThat(first).isGreaterThan(1L << 20);
      assertThat(second).isGreaterThan(1L << 20).isNotEqualTo(first + 1);
    }
  }

  /** A worker that has lost its connection need not wait until the driver has noticed. */
  @Test
  void aWorkerThatComesAnewEndsItsOlderSession() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker before = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step =
          CompletableFuture.supplyAsync(
              () -> cluster.aggregator().step(1, parameters(5), KnownVectors.payloads(1)));
      Reply.Grant grant = before.work();
      try (RawWorker after = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
        RawWorker.awaitClosed(before.client());
        assertThat(after.work().node()).isEqualTo(grant.node());
      }
      cluster.add(place -> new KnownVectors.Task());
      assertThat(step.get().stats().releases()).isEqualTo(2);
    }
  }

  @Test
  void theBeginningOfAHugeMessageIsNotKept() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      ByteBuf frame = Unpooled.buffer(1 << 20).writeLong(2_000_000_000L).writerIndex(1 << 20);
      for (int i = 0; i < 80; i++) {
        var unused = worker.client().getChannel().writeAndFlush(frame.retainedDuplicate());
      }
      RawWorker.awaitClosed(worker.client());
    }
  }

  @Test
  void aStreamMayBeLongerThanAnyMessage() throws Exception {
    FlatVector parameters = parameters(17_000_000);
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step =
          CompletableFuture.supplyAsync(
              () -> cluster.aggregator().step(1, parameters, KnownVectors.payloads(1)));
      Reply.Grant grant = worker.work();
      worker.call(RawWorker.offer(grant, parameters));
      FlatVector sum = RawWorker.sum(grant, parameters);
      VectorBody body =
          VectorBody.of(
              new BlockEncoder(sum, grant.lease(), GradientFormat.FLOAT32, () -> false),
              0,
              sum.blockCount());
      assertThat(
              worker.upload(
                  DriverConnection.uploadHeader(grant.lease(), 0, sum.blockCount()), body))
          .isEqualTo(new Reply.Fine());
      assertThat(ResultHash.of(step.get().gradient(), new byte[0]))
          .isEqualTo(ResultHash.of(sum, new byte[0]));
    }
  }

  /** One that does not read what it asks for would have the driver hold all of it. */
  @Test
  void aConnectionHasFourStreamsAtATime() throws Exception {
    FlatVector parameters = parameters(4_000_000);
    AggregatorConfig patient =
        new AggregatorConfig(
            1, 20, 60, /* silenceSeconds= */ 60, 900, 10, 64, false, GradientFormat.FLOAT32);
    try (Cluster cluster = new Cluster(patient, RegistrationPolicy.ANYONE, Cluster.plain());
        RawWorker worker = RawWorker.registered(cluster.aggregator().endpoint(), "7")) {
      CompletableFuture<StepResult> step =
          CompletableFuture.supplyAsync(
              () -> cluster.aggregator().step(1, parameters, KnownVectors.payloads(1)));
      worker.work();
      String all = DriverConnection.parametersStream(1, 0, parameters.blockCount());
      var unused = worker.client().getChannel().config().setAutoRead(false);
      for (int i = 0; i < 6; i++) {
        worker.client().stream(all, new DriverConnection.Discarded("not read"));
      }
      cluster.add(place -> new KnownVectors.Task());
      assertThat(step.get(20, TimeUnit.SECONDS).stats().releases())
          .as("leaves of the worker whose connection was closed")
          .isEqualTo(1);
    }
  }

  @Test
  void beyondSoManyStrangersTheEldestIsClosed() {
    Strangers strangers = new Strangers(2);
    List<EmbeddedChannel> channels = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      EmbeddedChannel channel = new EmbeddedChannel();
      channels.add(channel);
      // None of them asks for anything, so there is nobody to ask.
      strangers.came(new DriverConnection(channel, new byte[0], null), 0);
    }
    assertThat(channels)
        .extracting(EmbeddedChannel::isOpen)
        .containsExactly(false, false, true, true);
  }

  private static FlatVector parameters(long size) {
    return KnownVectors.parameters(size, 1);
  }

  private static void assertCloses(RawWorker worker, Request request) throws Exception {
    CompletableFuture<Reply> reply = worker.ask(request);
    RawWorker.awaitClosed(worker.client());
    assertThatThrownBy(reply::get)
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseInstanceOf(IOException.class)
        .hasMessageContaining("closed");
  }
}

package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Wire.MalformedException;
import dev.collimate.parameters.FlatVector;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientFactory;

/**
 * A worker's connections to the driver: one for requests, some for streams. Every wait can be
 * stopped.
 */
final class DriverLink implements AutoCloseable {

  /** The driver cannot be reached, or the connection is gone. */
  static final class BrokenException extends Exception {
    private static final long serialVersionUID = 1;

    BrokenException(String sentence, Throwable cause) {
      super(sentence, cause);
    }
  }

  /** The worker was told to stop while it waited. */
  static final class StoppedException extends Exception {
    private static final long serialVersionUID = 1;
  }

  private static final long LOOK_MILLIS = 100;
  private static final int PIECES_PER_STREAM = 4;

  private final Endpoint endpoint;
  private final TransportContext context;
  private final TransportClientFactory factory;
  private final BooleanSupplier stopped;
  private final TransportClient[] streams;
  private TransportClient control;
  private long session;

  /**
   * @param connections for streams
   * @param stopped asked several times a second during every wait
   */
  DriverLink(
      Endpoint endpoint, SparkTransport transport, int connections, BooleanSupplier stopped) {
    this.endpoint = endpoint;
    this.context = transport.context();
    this.factory = transport.clients(context, endpoint);
    this.streams = new TransportClient[connections];
    this.stopped = stopped;
  }

  /** Opens the connection for requests and says who is there. */
  void connect(WorkerPlace place) throws BrokenException, StoppedException {
    control = open();
    Reply reply = call(new Request.Arrive(place));
    if (!(reply instanceof Reply.Arrived arrived)) {
      throw new BrokenException("the driver at " + endpoint + " answers " + reply, null);
    }
    session = arrived.session();
  }

  /** Sends a request and waits for its answer, however long that takes. */
  Reply call(Request request) throws BrokenException, StoppedException {
    CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
    control.sendRpc(request.encode(), new Answer(answer));
    return decode(await(answer));
  }

  /**
   * Fills the vector with the parameters of a version.
   *
   * @return false where the driver does not serve this version any more
   */
  boolean pull(long version, FlatVector into) throws BrokenException, StoppedException {
    try (Parts parts = new Parts(version, into)) {
      for (int i = 0; i < streams.length; i++) {
        parts.pull(cut(into, i, streams.length), cut(into, i + 1, streams.length), i);
      }
      return parts.areWhole();
    }
  }

  /**
   * Fills the vector with the parameters of a version that is announced, piece by piece as the
   * driver computes them.
   *
   * @return false where the driver does not serve this version any more
   */
  boolean prefetch(long version, FlatVector into) throws BrokenException, StoppedException {
    int pieces = PIECES_PER_STREAM * streams.length;
    try (Parts parts = new Parts(version, into)) {
      for (int i = 0; i < pieces; i++) {
        int to = cut(into, i + 1, pieces);
        if (!(call(new Request.Await(version, to)) instanceof Reply.Fine)) {
          return false;
        }
        parts.pull(cut(into, i, pieces), to, i % streams.length);
      }
      return parts.areWhole();
    }
  }

  /** Parts of a vector on their way; once closed, nothing is written into it any more. */
  private final class Parts implements AutoCloseable {
    private final long version;
    private final FlatVector into;
    private final List<CompletableFuture<String>> ends = new ArrayList<>();
    private final List<VectorReceiver> receivers = new ArrayList<>();

    Parts(long version, FlatVector into) {
      this.version = version;
      this.into = into;
    }

    void pull(int from, int to, int stream) throws BrokenException, StoppedException {
      if (from == to) {
        return;
      }
      CompletableFuture<String> end = new CompletableFuture<>();
      String name = DriverConnection.parametersStream(version, from, to);
      VectorReceiver receiver =
          new VectorReceiver(name, into, from, to, version, GradientFormat.FLOAT32, end::complete);
      receivers.add(receiver);
      stream(stream).stream(name, receiver);
      ends.add(end);
    }

    boolean areWhole() throws BrokenException, StoppedException {
      boolean whole = true;
      for (CompletableFuture<String> end : ends) {
        whole &= await(end).isEmpty();
      }
      return whole;
    }

    @Override
    public void close() {
      receivers.forEach(receiver -> receiver.abort("the parameters are not waited for"));
    }
  }

  /**
   * Sends the sum of a lease.
   *
   * @param format of its entries, which must be able to tell them
   * @return whether the driver has all of it
   */
  boolean push(long lease, FlatVector sum, GradientFormat format)
      throws BrokenException, StoppedException {
    List<CompletableFuture<ByteBuffer>> parts = new ArrayList<>();
    // Where one part was given up, the others must not send what the caller puts there next.
    AtomicBoolean over = new AtomicBoolean();
    try {
      for (int i = 0; i < streams.length; i++) {
        int from = cut(sum, i, streams.length);
        int to = cut(sum, i + 1, streams.length);
        if (from < to) {
          CompletableFuture<ByteBuffer> part = new CompletableFuture<>();
          stream(i)
              .uploadStream(
                  new NioManagedBuffer(DriverConnection.uploadHeader(lease, from, to)),
                  VectorBody.of(new BlockEncoder(sum, lease, format, over::get), from, to),
                  new Answer(part));
          parts.add(part);
        }
      }
      boolean whole = true;
      Optional<BrokenException> broken = Optional.empty();
      for (CompletableFuture<ByteBuffer> part : parts) {
        try {
          whole &= decode(await(part)) instanceof Reply.Fine;
        } catch (BrokenException e) {
          // The other parts end too before the sum is offered again, or they would meet the next.
          broken = Optional.of(e);
        }
      }
      if (broken.isPresent()) {
        throw broken.get();
      }
      return whole;
    } finally {
      over.set(true);
    }
  }

  @Override
  public void close() {
    factory.close();
    context.close();
  }

  private static int cut(FlatVector vector, int part, int parts) {
    return (int) ((long) vector.blockCount() * part / parts);
  }

  private synchronized TransportClient stream(int index) throws BrokenException, StoppedException {
    if (streams[index] == null || !streams[index].isActive()) {
      TransportClient client = open();
      CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
      client.sendRpc(new Request.Attach(session).encode(), new Answer(answer));
      Reply reply = decode(await(answer));
      if (!(reply instanceof Reply.Fine)) {
        throw new BrokenException("the driver answers " + reply, null);
      }
      streams[index] = client;
    }
    return streams[index];
  }

  private TransportClient open() throws BrokenException, StoppedException {
    try {
      return factory.createUnmanagedClient(endpoint.host(), endpoint.port());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoppedException();
    } catch (CollimateException e) {
      // Trying again does not help against another run's driver.
      throw e;
    } catch (IOException | RuntimeException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new BrokenException(
          "cannot connect to the driver at "
              + endpoint
              + " from "
              + localHost()
              + ": "
              + cause.getMessage()
              + "; see spark.driver.host, spark.driver.bindAddress and spark.collimate.port",
          e);
    }
  }

  private <T> T await(CompletableFuture<T> future) throws BrokenException, StoppedException {
    while (true) {
      try {
        return future.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (stopped.getAsBoolean()) {
          throw new StoppedException();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoppedException();
      } catch (ExecutionException e) {
        throw new BrokenException(
            "the connection to the driver at " + endpoint + " broke: " + e.getCause().getMessage(),
            e.getCause());
      }
    }
  }

  private static Reply decode(ByteBuffer answer) throws BrokenException {
    try {
      return Reply.decode(answer);
    } catch (MalformedException e) {
      throw new BrokenException("the driver's answer cannot be read: " + e.getMessage(), e);
    }
  }

  private static String localHost() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "this host";
    }
  }

  private record Answer(CompletableFuture<ByteBuffer> future) implements RpcResponseCallback {

    @Override
    public void onSuccess(ByteBuffer response) {
      // The network layer takes its buffer back after this call.
      ByteBuffer copy = ByteBuffer.allocate(response.remaining());
      copy.put(response).flip();
      future.complete(copy);
    }

    @Override
    public void onFailure(Throwable failure) {
      future.completeExceptionally(failure);
    }
  }
}

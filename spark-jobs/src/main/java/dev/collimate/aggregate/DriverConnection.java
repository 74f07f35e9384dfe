package dev.collimate.aggregate;

import dev.collimate.aggregate.Wire.MalformedException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.StreamCallbackWithID;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver's side of one connection. Until the peer has proved the token, it may send a few
 * kilobytes and is answered nothing but the challenge; at the first wrong byte the connection is
 * closed without a word.
 */
final class DriverConnection extends RpcHandler {

  /** What the connection is for; all calls come from network threads and must not block. */
  interface Hub {
    void opened(DriverConnection connection);

    void request(DriverConnection connection, Request request, RpcResponseCallback answer);

    /** The place for some blocks of a lease's gradient. */
    StreamCallbackWithID upload(DriverConnection connection, long lease, int from, int to);

    /** Some blocks of the parameters; empty where the version is not served any more. */
    Optional<ManagedBuffer> parameters(long version, int from, int to);

    void closed(DriverConnection connection);
  }

  /** The session of a connection that belongs to no worker. */
  static final long NOBODY = -1;

  private static final Logger log = LoggerFactory.getLogger(DriverConnection.class);
  private static final int UNPROVED_BYTES = 64 * 1024;
  private static final int MESSAGE_BYTES = 64 << 20;
  private static final int STREAMS = 4;
  private static final Pattern PARAMETERS =
      Pattern.compile("parameters/(\\d{1,18})/(\\d{1,9})/(\\d{1,9})");

  private final Hub hub;
  private final byte[] token;
  private final Channel channel;
  private final Streams streams = new Streams();
  private final Guard guard = new Guard();
  private byte[] expectedProof = {};
  private volatile boolean proved;
  private volatile long session = NOBODY;

  DriverConnection(Channel channel, byte[] token, Hub hub) {
    this.channel = channel;
    this.token = token;
    this.hub = hub;
    channel.config().setRecvByteBufAllocator(SparkTransport.receiveBuffers());
    channel.pipeline().addFirst(guard);
  }

  static String parametersStream(long version, int from, int to) {
    return "parameters/" + version + "/" + from + "/" + to;
  }

  static ByteBuffer uploadHeader(long lease, int from, int to) {
    return new Wire.Writer().int64(lease).int32(from).int32(to).toBuffer();
  }

  /** The worker that the connection belongs to. */
  long session() {
    return session;
  }

  void belongsTo(long worker) {
    session = worker;
  }

  void close() {
    var unused = channel.close();
  }

  @Override
  public String toString() {
    return String.valueOf(channel.remoteAddress());
  }

  @Override
  public void channelActive(TransportClient client) {
    hub.opened(this);
  }

  @Override
  public void channelInactive(TransportClient client) {
    hub.closed(this);
  }

  @Override
  public void exceptionCaught(Throwable cause, TransportClient client) {
    log.debug("Connection {} failed", this, cause);
  }

  @Override
  public void receive(TransportClient client, ByteBuffer message, RpcResponseCallback answer) {
    guard.consumed();
    try {
      if (proved) {
        hub.request(this, Request.decode(message), answer);
      } else if (expectedProof.length == 0) {
        answer.onSuccess(challenge(message));
      } else {
        check(Wire.read(message, Wire.Reader::bytes));
        answer.onSuccess(ByteBuffer.allocate(0));
      }
    } catch (MalformedException e) {
      log.warn("Closed the connection from {}: {}", this, e.getMessage());
      close();
    }
  }

  @Override
  public void receive(TransportClient client, ByteBuffer message) {
    log.warn("Closed the connection from {}: it sends what is no request", this);
    close();
  }

  @Override
  public StreamCallbackWithID receiveStream(
      TransportClient client, ByteBuffer header, RpcResponseCallback answer) {
    if (!proved) {
      close();
      return new Discarded("not proved");
    }
    guard.consumed();
    try {
      return new Guarded(
          Wire.read(header, in -> hub.upload(this, in.int64(), in.int32(), in.int32())));
    } catch (MalformedException e) {
      log.warn("Closed the connection from {}: {}", this, e.getMessage());
      close();
      return new Discarded(e.getMessage());
    }
  }

  @Override
  public StreamManager getStreamManager() {
    return streams;
  }

  private ByteBuffer challenge(ByteBuffer hello) throws MalformedException {
    byte[] theirs =
        Wire.read(
            hello,
            in -> {
              if (in.int32() != Proof.MAGIC || in.int32() != Proof.PROTOCOL) {
                throw new MalformedException("it does not speak this protocol");
              }
              return in.bytes();
            });
    if (theirs.length != Proof.NONCE_BYTES) {
      throw new MalformedException("its nonce has " + theirs.length + " bytes");
    }
    byte[] mine = Proof.nonce();
    expectedProof = Proof.of(Proof.Role.WORKER, token, theirs, mine);
    return new Wire.Writer()
        .bytes(mine)
        .bytes(Proof.of(Proof.Role.DRIVER, token, theirs, mine))
        .toBuffer();
  }

  private void check(byte[] proof) throws MalformedException {
    if (!Proof.matches(expectedProof, proof)) {
      throw new MalformedException("it does not know the run's token");
    }
    proved = true;
  }

  /** Parameters by name; nothing before the proof, and never chunks. */
  private final class Streams extends StreamManager {
    private final AtomicInteger sending = new AtomicInteger();

    @Override
    public void streamBeingSent(String streamId) {
      sending.incrementAndGet();
    }

    @Override
    public void streamSent(String streamId) {
      sending.decrementAndGet();
    }

    @Override
    public ManagedBuffer getChunk(long streamId, int chunkIndex) {
      close();
      throw new IllegalStateException("there are no chunks");
    }

    @Override
    public ManagedBuffer openStream(String streamId) {
      Matcher name = PARAMETERS.matcher(streamId);
      if (!proved || !name.matches() || sending.get() >= STREAMS) {
        close();
        return null;
      }
      guard.consumed();
      // Null is this interface's word for a stream that is not there.
      return hub.parameters(
              Long.parseLong(name.group(1)),
              Integer.parseInt(name.group(2)),
              Integer.parseInt(name.group(3)))
          .orElse(null);
    }
  }

  /**
   * Keeps a peer from filling memory with the beginning of a huge frame. Spark's decoder collects a
   * frame whole, but hands the body of a stream over as it comes, so what counts is what has come
   * since something was last handed over.
   */
  private final class Guard extends ChannelInboundHandlerAdapter {
    private long received;

    private void consumed() {
      received = proved ? 0 : received;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (message instanceof ByteBuf bytes) {
        received += bytes.readableBytes();
      }
      if (received > (proved ? MESSAGE_BYTES : UNPROVED_BYTES)) {
        ReferenceCountUtil.release(message);
        log.warn("Closed the connection from {}: its message is too long", DriverConnection.this);
        var unused = context.close();
      } else {
        context.fireChannelRead(message);
      }
    }
  }

  /** An upload whose bytes are no message's. */
  private final class Guarded implements StreamCallbackWithID {
    private final StreamCallbackWithID upload;

    private Guarded(StreamCallbackWithID upload) {
      this.upload = upload;
    }

    @Override
    public String getID() {
      return upload.getID();
    }

    @Override
    public void onData(String streamId, ByteBuffer data) throws IOException {
      guard.consumed();
      upload.onData(streamId, data);
    }

    @Override
    public void onComplete(String streamId) throws IOException {
      upload.onComplete(streamId);
    }

    @Override
    public void onFailure(String streamId, Throwable cause) throws IOException {
      upload.onFailure(streamId, cause);
    }

    @Override
    public ByteBuffer getCompletionResponse() {
      return upload.getCompletionResponse();
    }
  }

  /** Skips an upload that nobody wants. */
  record Discarded(String why) implements StreamCallbackWithID {

    @Override
    public String getID() {
      return "discarded";
    }

    @Override
    public void onData(String streamId, ByteBuffer data) {
      // Whatever arrives is skipped; the sender hears why at the end.
    }

    @Override
    public void onComplete(String streamId) {
      // See getCompletionResponse.
    }

    @Override
    public void onFailure(String streamId, Throwable cause) {
      log.debug("A discarded upload broke off", cause);
    }

    @Override
    public ByteBuffer getCompletionResponse() {
      return new Reply.Refused(why).encode();
    }
  }
}

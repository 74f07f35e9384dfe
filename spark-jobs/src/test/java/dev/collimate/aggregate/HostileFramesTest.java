package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Wire.MalformedException;
import dev.collimate.parameters.FlatVector;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ten thousand hostile frames, and the aggregator still sums right. */
class HostileFramesTest {

  private static final long SEED = 20_261;
  private static final int STRANGERS_FRAMES = 2_000;
  private static final int PROVED_FRAMES = 6_500;
  private static final int UPLOADS = 1_500;
  private static final int LEASES = 150;
  private static final FlatVector PARAMETERS = KnownVectors.parameters(FlatVector.BLOCK + 5L, 1);

  private static final byte[] STRANGE = {66};

  /** Hostile peers know the token, but do not compute what the workers compute. */
  private static final RegistrationPolicy KNOWN_TASKS =
      (place, description) ->
          Arrays.equals(description, new KnownVectors.Task().describe())
              ? Optional.empty()
              : Optional.of("another task");

  private final SplittableRandom random = new SplittableRandom(SEED);

  @Test
  void strangersGetNothing() throws IOException {
    try (Cluster cluster = cluster()) {
      cluster.add(place -> new KnownVectors.Task());
      int port = cluster.aggregator().endpoint().port();
      for (int i = 0; i < STRANGERS_FRAMES; i++) {
        byte[] message = mutated(requests().get(random.nextInt(requests().size())));
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
          socket.getOutputStream().write(frame(message));
          socket.shutdownOutput();
          socket.setSoTimeout(20_000);
          assertThat(answered(socket)).as("frame %d of seed %d", i, SEED).isZero();
        }
      }
      assertServes(cluster);
    }
  }

  @Test
  void provedPeersCannotBreakTheServer() throws Exception {
    Map<Integer, Integer> read = new TreeMap<>();
    Map<Integer, Integer> refused = new TreeMap<>();
    try (Cluster cluster = cluster()) {
      cluster.add(place -> new KnownVectors.Task());
      RawWorker peer = new RawWorker(cluster.aggregator().endpoint());
      for (int i = 0; i < PROVED_FRAMES; i++) {
        if (!peer.client().isActive()) {
          peer.close();
          peer = new RawWorker(cluster.aggregator().endpoint());
        }
        Request valid = requests().get(random.nextInt(requests().size()));
        ByteBuffer message =
            ByteBuffer.wrap(random.nextInt(4) == 0 ? bytes(valid) : mutated(valid));
        boolean readable = isReadable(message);
        int tag = message.hasRemaining() ? message.get(0) : -1;
        (readable ? read : refused).merge(tag, 1, Integer::sum);
        peer.client().sendRpc(message, new Ignored());
        if (!readable) {
          RawWorker.awaitClosed(peer.client());
        }
        if (i % 500 == 0) {
          assertServes(cluster);
        }
      }
      peer.close();
      assertServes(cluster);
    }
    assertThat(read.keySet()).as("every request was read").contains(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    assertThat(refused.keySet())
        .as("and every request was refused in some form")
        .contains(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  }

  /** A deadline that follows from such a time would never come. */
  @ParameterizedTest
  @ValueSource(
      doubles = {
        -1,
        -1e-300,
        1.1e7,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY
      })
  void aTimeThatIsNoneIsRefused(double seconds) {
    assertThat(isReadable(new Request.Offer(1, List.of(), seconds, 0).encode())).isFalse();
    assertThat(isReadable(new Request.Offer(1, List.of(), 0, seconds).encode())).isFalse();
    assertThat(isReadable(new Request.Answer(1, STRANGE, seconds, 0).encode())).isFalse();
    assertThat(isReadable(new Request.Answer(1, STRANGE, 0, seconds).encode())).isFalse();
  }

  /** What a registered peer does with a lease of its own. */
  private enum Attack {
    MUTATED_OFFER,
    MUTATED_FAILURE,
    MUTATED_GIVING_BACK,
    MUTATED_BODY,
    MUTATED_HEADER,
    SHORT_BODY,
    REPLAY,
    WRONG_STEP,
    OFFERS_AND_FAILURES,
    NOT_A_NUMBER
  }

  @Test
  void aPeerWithALeaseCannotSpoilWhatOthersCompute() throws Exception {
    AggregatorConfig config = AggregatorConfig.forWorkers(1).withWaits(20, 60).withMixed(true);
    try (Cluster cluster = new Cluster(config, KNOWN_TASKS, Cluster.plain())) {
      cluster.add(place -> new KnownVectors.Task());
      cluster.aggregator().awaitWorkers();
      Reply.Grant stale = null;
      for (int i = 0; i < LEASES; i++) {
        Attack attack = Attack.values()[random.nextInt(Attack.values().length)];
        try (RawWorker peer = arrived(cluster)) {
          peer.call(new Request.Register(new KnownVectors.Task().describe()));
          CompletableFuture<Reply> poll = peer.ask(new Request.Poll());
          peer.call(new Request.Heartbeat());
          CompletableFuture<StepResult> step =
              CompletableFuture.supplyAsync(
                  () -> cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(4)));
          Reply.Grant grant = (Reply.Grant) RawWorker.get(poll);
          attack(peer, attack, grant, stale == null ? grant : stale);
          stale = grant;
          peer.close();
          FlatVector sum = step.get(20, TimeUnit.SECONDS).gradient();
          if (attack == Attack.NOT_A_NUMBER) {
            // The trainer refuses such a gradient; the aggregator carries what it is given.
            assertThat(sum.get(0)).as("lease %d of seed %d", i, SEED).isNaN();
          } else {
            assertThat(ResultHash.of(sum, new byte[0]))
                .as("lease %d of seed %d, %s", i, SEED, attack)
                .isEqualTo(ResultHash.of(KnownVectors.sum(4, PARAMETERS), new byte[0]));
          }
        }
      }
      assertServes(cluster);
    }
  }

  private void attack(RawWorker peer, Attack attack, Reply.Grant grant, Reply.Grant stale)
      throws Exception {
    Request.Offer offer = RawWorker.offer(grant, PARAMETERS);
    FlatVector right = RawWorker.sum(grant, PARAMETERS);
    byte[] header = bytes(DriverConnection.uploadHeader(grant.lease(), 0, right.blockCount()));
    byte[] body = body(grant.lease(), right);
    switch (attack) {
      case MUTATED_OFFER -> say(peer, mutated(offer));
      case MUTATED_FAILURE ->
          say(
              peer,
              mutated(new Request.Failed(grant.lease(), CollimateException.Kind.INTERNAL, "none")));
      case MUTATED_GIVING_BACK -> say(peer, mutated(new Request.GiveBack(grant.lease())));
      case MUTATED_BODY -> {
        assertThat(peer.call(offer)).isEqualTo(new Reply.Send());
        body[random.nextInt(body.length)] ^= (byte) (1 + random.nextInt(255));
        assertThat(upload(peer, header, body)).isInstanceOf(Reply.Refused.class);
      }
      case MUTATED_HEADER -> {
        assertThat(peer.call(offer)).isEqualTo(new Reply.Send());
        peer.client()
            .uploadStream(
                new NioManagedBuffer(ByteBuffer.wrap(mutated(header))),
                new NioManagedBuffer(ByteBuffer.wrap(Arrays.copyOf(body, 1 + body.length / 2))),
                new Ignored());
      }
      case SHORT_BODY -> {
        assertThat(peer.call(offer)).isEqualTo(new Reply.Send());
        assertThat(upload(peer, header, Arrays.copyOf(body, 1 + random.nextInt(body.length - 1))))
            .isInstanceOf(Reply.Refused.class);
      }
      case REPLAY -> {
        assertThat(peer.call(offer)).isEqualTo(new Reply.Send());
        assertThat(upload(peer, header, body)).isEqualTo(new Reply.Fine());
        assertThat(upload(peer, header, body)).isInstanceOf(Reply.Refused.class);
        assertThat(peer.call(offer)).isEqualTo(new Reply.Drop());
      }
      case WRONG_STEP -> {
        Request.Offer old = RawWorker.offer(stale, PARAMETERS);
        Reply reply = peer.call(old);
        assertThat(reply)
            .isEqualTo(stale.lease() == grant.lease() ? new Reply.Send() : new Reply.Drop());
        assertThat(upload(peer, header, body(stale.lease() + 1, right)))
            .isInstanceOf(Reply.Refused.class);
      }
      case OFFERS_AND_FAILURES -> {
        assertThat(peer.call(offer)).isEqualTo(new Reply.Send());
        assertThat(peer.call(offer)).isEqualTo(new Reply.Send());
        peer.call(new Request.Failed(grant.lease(), CollimateException.Kind.INTERNAL, "none"));
        peer.call(new Request.GiveBack(grant.lease()));
        assertThat(peer.call(offer)).isEqualTo(new Reply.Drop());
      }
      case NOT_A_NUMBER -> {
        right.fill(Float.NaN);
        assertThat(peer.call(offer)).isEqualTo(new Reply.Send());
        assertThat(upload(peer, header, body(grant.lease(), right))).isEqualTo(new Reply.Fine());
      }
    }
  }

  private static void say(RawWorker peer, byte[] message) throws Exception {
    boolean readable = isReadable(ByteBuffer.wrap(message));
    peer.client().sendRpc(ByteBuffer.wrap(message), new Ignored());
    if (!readable) {
      RawWorker.awaitClosed(peer.client());
    }
  }

  private static Reply upload(RawWorker peer, byte[] header, byte[] body) {
    return peer.upload(ByteBuffer.wrap(header), new NioManagedBuffer(ByteBuffer.wrap(body)));
  }

  private static byte[] body(long lease, FlatVector sum) throws IOException {
    return VectorBody.of(
            new BlockEncoder(sum, lease, GradientFormat.FLOAT32, () -> false), 0, sum.blockCount())
        .nioByteBuffer()
        .array();
  }

  @Test
  void uploadsThatNobodyCanTakeChangeNothing() throws Exception {
    try (Cluster cluster = cluster()) {
      cluster.add(place -> new KnownVectors.Task());
      RawWorker peer = arrived(cluster);
      for (int i = 0; i < UPLOADS; i++) {
        if (!peer.client().isActive()) {
          peer.close();
          peer = arrived(cluster);
        }
        byte[] header =
            bytes(DriverConnection.uploadHeader(random.nextInt(3), random.nextInt(3), 2));
        byte[] body = new byte[1 + random.nextInt(4_000)];
        random.nextBytes(body);
        peer.client()
            .uploadStream(
                new NioManagedBuffer(
                    ByteBuffer.wrap(random.nextBoolean() ? header : mutated(header))),
                new NioManagedBuffer(ByteBuffer.wrap(body)),
                new Ignored());
        if (i % 250 == 0) {
          assertServes(cluster);
        }
      }
      peer.close();
      assertServes(cluster);
    }
  }

  private static Cluster cluster() {
    AggregatorConfig config = AggregatorConfig.forWorkers(1).withWaits(20, 60);
    return new Cluster(config, KNOWN_TASKS, Cluster.plain());
  }

  /** One of each, as a worker would send it. */
  private static List<Request> requests() {
    List<Request.Leaf> leaves =
        Collections.nCopies(2, new Request.Leaf(new ResultHash(3), new byte[] {1, 2, 3}));
    return List.of(
        new Request.Arrive(new WorkerPlace("1", "127.0.0.1", 7)),
        new Request.Register(STRANGE),
        new Request.Poll(),
        new Request.Heartbeat(),
        new Request.Offer(1, leaves, 0.5, 0),
        new Request.Answer(1, new byte[] {1}, 1e7, 0.25),
        new Request.Failed(2, CollimateException.Kind.INTERNAL, "none"),
        new Request.Leave("bye"),
        new Request.GiveBack(1),
        new Request.Attach(1));
  }

  private static RawWorker arrived(Cluster cluster) throws Exception {
    RawWorker peer = new RawWorker(cluster.aggregator().endpoint());
    peer.call(new Request.Arrive(new WorkerPlace("hostile", "127.0.0.1", 1)));
    return peer;
  }

  private byte[] mutated(Request request) {
    return mutated(bytes(request));
  }

  /** A changed byte, a changed length, a piece cut off or put on, or the message twice. */
  private byte[] mutated(byte[] valid) {
    byte[] message = valid.clone();
    switch (random.nextInt(6)) {
      case 0 -> message[random.nextInt(message.length)] = (byte) random.nextInt(256);
      case 1 -> {
        if (message.length >= 5) {
          ByteBuffer.wrap(message).putInt(1 + random.nextInt(message.length - 4), random.nextInt());
        }
      }
      case 2 -> message = Arrays.copyOf(message, random.nextInt(message.length));
      case 3 -> message = Arrays.copyOf(message, message.length + 1 + random.nextInt(64));
      case 4 -> {
        message = Arrays.copyOf(valid, 2 * valid.length);
        System.arraycopy(valid, 0, message, valid.length, valid.length);
      }
      default -> message[0] = (byte) random.nextInt(-128, 128);
    }
    return message;
  }

  private static byte[] bytes(Request request) {
    return bytes(request.encode());
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  /** As Spark's transport frames an RPC: length, type, request id, body length, body. */
  private byte[] frame(byte[] body) {
    ByteBuffer frame = ByteBuffer.allocate(21 + body.length);
    long length = random.nextInt(3) == 0 ? random.nextLong() : frame.capacity();
    frame.putLong(length).put((byte) random.nextInt(12)).putLong(random.nextLong());
    return frame.putInt(body.length).put(body).array();
  }

  private static boolean isReadable(ByteBuffer message) {
    try {
      Request.decode(message.duplicate());
      return true;
    } catch (MalformedException e) {
      return false;
    }
  }

  private static int answered(Socket socket) {
    try {
      return socket.getInputStream().readAllBytes().length;
    } catch (IOException e) {
      // Reset: closed without a word too.
      return 0;
    }
  }

  private static void assertServes(Cluster cluster) {
    StepResult step = cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(4));
    assertThat(ResultHash.of(step.gradient(), new byte[0]))
        .isEqualTo(ResultHash.of(KnownVectors.sum(4, PARAMETERS), new byte[0]));
  }

  private record Ignored() implements RpcResponseCallback {
    @Override
    public void onSuccess(ByteBuffer response) {
      // What the driver says does not matter here.
    }

    @Override
    public void onFailure(Throwable failure) {
      // A closed connection is what a bad frame earns.
    }
  }
}

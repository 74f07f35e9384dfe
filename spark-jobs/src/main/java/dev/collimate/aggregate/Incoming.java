package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/** A gradient on its way in: its buffer and the streams that fill parts of it. */
final class Incoming {

  /** Told when a stream ends, with an empty text where its blocks are right. */
  interface Listener {
    void ended(Incoming incoming, int from, int to, String fault);
  }

  /** A window of so many seconds has to bring so many bytes, a trickle of 1 MB/s. */
  private static final double WINDOW_SECONDS = 30;

  private static final long WINDOW_BYTES = 30_000_000;

  private final long lease;
  private final long session;
  private final FlatVector buffer;
  private final GradientFormat format;
  private final long startedAt;
  private final List<VectorReceiver> receivers = new ArrayList<>();
  private final BitSet claimed = new BitSet();
  private final BitSet arrived = new BitSet();
  private boolean aborted;
  private long windowBytes;
  private long windowStart;

  Incoming(long lease, long session, FlatVector buffer, GradientFormat format, long now) {
    this.lease = lease;
    this.session = session;
    this.buffer = buffer;
    this.format = format;
    this.startedAt = now;
    this.windowStart = now;
  }

  long lease() {
    return lease;
  }

  long session() {
    return session;
  }

  FlatVector buffer() {
    return buffer;
  }

  double seconds(long now) {
    return (now - startedAt) / 1e9;
  }

  /** A stream for some blocks that no other stream fills; empty where there can be none. */
  synchronized Optional<VectorReceiver> open(int from, int to, Listener listener) {
    int next = claimed.nextSetBit(Math.max(0, from));
    boolean free = next < 0 || next >= to;
    if (aborted || from < 0 || to <= from || to > buffer.blockCount() || !free) {
      return Optional.empty();
    }
    claimed.set(from, to);
    VectorReceiver receiver =
        new VectorReceiver(
            "gradient",
            buffer,
            from,
            to,
            lease,
            format,
            fault -> listener.ended(this, from, to, fault));
    receivers.add(receiver);
    return Optional.of(receiver);
  }

  /** Counts blocks that have come in right; returns whether all are there. */
  synchronized boolean arrived(int from, int to) {
    arrived.set(from, to);
    return arrived.cardinality() == buffer.blockCount();
  }

  /** From the return of this call on, the buffer is not touched any more. */
  synchronized void abort(String why) {
    aborted = true;
    receivers.forEach(receiver -> receiver.abort(why));
  }

  /** Whether so little has come in for so long that it holds the buffer for nothing. */
  synchronized boolean isTooSlow(long now) {
    if ((now - windowStart) / 1e9 <= WINDOW_SECONDS) {
      return false;
    }
    long received = receivers.stream().mapToLong(VectorReceiver::received).sum();
    boolean tooSlow = received - windowBytes < WINDOW_BYTES;
    windowBytes = received;
    windowStart = now;
    return tooSlow;
  }
}

package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;

/**
 * The version that workers may pull, and those that wait for blocks of it. On the aggregator's
 * thread, but for {@link #blocks}.
 */
final class Serving {

  private record Waiting(Request.Await request, RpcResponseCallback answer) {}

  private final Map<Session, Waiting> waiting = new LinkedHashMap<>();
  private final EncodedBlocks encoded = new EncodedBlocks();
  private volatile Served served = Served.of(0, new FlatVector(0));
  private boolean isNext;
  private boolean stopped;

  Serving() {
    served.retire();
  }

  /** From now on there is this version, with what blocks it has. */
  void announce(Served next) {
    served.retire();
    served = next;
    isNext = true;
    look();
  }

  /** What was announced and is not worked with yet. */
  Optional<Served> next() {
    return isNext && !stopped ? Optional.of(served) : Optional.empty();
  }

  /** The version, whole; what was announced goes on being pulled. */
  Served whole(long version, FlatVector parameters) {
    if (served.isRetired() || served.version() != version || served.values() != parameters) {
      served.retire();
      served = Served.of(version, parameters);
    }
    served.ready(parameters.blockCount());
    isNext = false;
    look();
    return served;
  }

  /** Answers the worker once the blocks are there, or will not come; one question each. */
  void await(Session session, Request.Await request, RpcResponseCallback answer) {
    Waiting before = waiting.put(session, new Waiting(request, answer));
    if (before != null) {
      before.answer.onSuccess(new Reply.Refused("another question came").encode());
    }
    look();
  }

  /** There may be more blocks than before. */
  void look() {
    for (Iterator<Waiting> each = waiting.values().iterator(); each.hasNext(); ) {
      Waiting next = each.next();
      int count = next.request.count();
      boolean comes = next.request.version() == served.version() && served.willHave(count);
      if (stopped || !comes) {
        next.answer.onSuccess(new Reply.Refused("this version is not served").encode());
        each.remove();
      } else if (served.hasFirst(count)) {
        next.answer.onSuccess(new Reply.Fine().encode());
        each.remove();
      }
    }
  }

  /** Nobody needs to wait any more. */
  void stop() {
    stopped = true;
    served.retire();
    encoded.close();
    look();
  }

  /** Some blocks of a version; on network threads. */
  Optional<ManagedBuffer> blocks(long version, int from, int to) {
    Served current = served;
    if (current.isRetired() || current.version() != version || !current.hasBlocks(from, to)) {
      return Optional.empty();
    }
    return Optional.of(VectorBody.of(encoded, current.encoder(), from, to));
  }
}

package dev.collimate.aggregate;

import java.nio.ByteBuffer;
import org.apache.spark.network.client.RpcResponseCallback;

/** A worker as the driver sees it; on the aggregator's thread only. */
final class Session {

  private final long id;
  private final WorkerPlace place;
  private final DriverConnection control;
  private long lastHeard;
  private boolean registered;
  private boolean silent;
  private RpcResponseCallback poll;
  private long polledAt;
  private long told = Long.MIN_VALUE;

  Session(long id, WorkerPlace place, DriverConnection control, long now) {
    this.id = id;
    this.place = place;
    this.control = control;
    this.lastHeard = now;
  }

  long id() {
    return id;
  }

  WorkerPlace place() {
    return place;
  }

  DriverConnection control() {
    return control;
  }

  boolean isRegistered() {
    return registered;
  }

  void register() {
    registered = true;
  }

  boolean isSilent() {
    return silent;
  }

  void silence() {
    silent = true;
  }

  /** Returns whether the worker had been silent. */
  boolean heard(long now) {
    lastHeard = now;
    boolean wasSilent = silent;
    silent = false;
    return wasSilent;
  }

  /** A pause of the driver itself does not count as the worker's silence. */
  void excuse(long nanos) {
    lastHeard += nanos;
  }

  double silentSeconds(long now) {
    return (now - lastHeard) / 1e9;
  }

  boolean asks() {
    return poll != null;
  }

  double askedSeconds(long now) {
    return (now - polledAt) / 1e9;
  }

  void ask(RpcResponseCallback callback, long now) {
    answerPoll(new Reply.Fine());
    poll = callback;
    polledAt = now;
  }

  /** Answers with the version that comes next, of which the worker is told once. */
  void tellOf(Served next) {
    if (poll != null && told != next.version()) {
      told = next.version();
      answerPoll(new Reply.Prefetch(next.version(), next.values().size()));
    }
  }

  void answerPoll(Reply reply) {
    if (poll != null) {
      RpcResponseCallback callback = poll;
      poll = null;
      ByteBuffer message = reply.encode();
      callback.onSuccess(message);
    }
  }
}

package dev.collimate.aggregate;

import dev.collimate.aggregate.DriverLink.BrokenException;
import dev.collimate.aggregate.DriverLink.StoppedException;

/** Tells the driver every second that the worker is alive, and hears which round is over. */
final class Heart implements AutoCloseable {

  private static final long BEAT_MILLIS = 1_000;

  private final DriverLink link;
  private final Thread thread;
  private volatile boolean closed;
  private volatile long roundOver = Long.MIN_VALUE;

  Heart(DriverLink link) {
    this.link = link;
    this.thread = new Thread(this::beat, "collimate-heartbeat");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Whether the round is known to be over, so that its work is void. */
  boolean isOver(long round) {
    return round <= roundOver;
  }

  private void beat() {
    try {
      while (!closed) {
        if (link.call(new Request.Heartbeat()) instanceof Reply.Beat beat) {
          roundOver = beat.roundOver();
        }
        Thread.sleep(BEAT_MILLIS);
      }
    } catch (BrokenException | StoppedException e) {
      // The worker's own thread meets the same and acts on it.
      closed = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}

package dev.collimate.aggregate;

import dev.collimate.aggregate.DriverLink.BrokenException;
import dev.collimate.aggregate.DriverLink.StoppedException;

/** Tells the driver every second that the worker is alive, and hears which round is over. */
final class Heart implements AutoCloseable {

  private static final long BEAT_MILLIS = 1_000;

  private final DriverLink link;
  private final Thread thread;
  private volatile boolean closed;
  private volatile boolean broken;
  private volatile long roundOver = Long.MIN_VALUE;

  Heart(DriverLink link) {
    this.link = link;
    this.thread = new Thread(this::beat, "collimate-heartbeat");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Whether the round is known to be over, or nobody there to tell, so that its work is void. */
  boolean isOver(long round) {
    return broken || round <= roundOver;
  }

  private void beat() {
    try {
      while (!closed) {
        Reply reply = link.call(new Request.Heartbeat());
        if (reply instanceof Reply.Beat beat) {
          roundOver = beat.roundOver();
        } else if (reply instanceof Reply.Stop) {
          roundOver = Long.MAX_VALUE;
        }
        Thread.sleep(BEAT_MILLIS);
      }
    } catch (BrokenException | StoppedException e) {
      // The worker's own thread meets the same and acts on it.
      broken = true;
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

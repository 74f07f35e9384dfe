package dev.collimate.aggregate;

import dev.collimate.aggregate.DriverLink.BrokenException;
import dev.collimate.aggregate.DriverLink.StoppedException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.VectorPool;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finished sums on their way to the driver while the next lease is being computed. Two at most,
 * each on a thread of its own, because one may have to wait for room that only the other can make.
 */
final class Outbox implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Outbox.class);
  private static final int SLOTS = 2;
  private static final int TRIES = 3;

  private final DriverLink link;
  private final BooleanSupplier stopped;
  private final Semaphore free = new Semaphore(SLOTS);
  private final ExecutorService senders =
      Executors.newFixedThreadPool(
          SLOTS,
          task -> {
            Thread thread = new Thread(task, "collimate-push");
            thread.setDaemon(true);
            return thread;
          });

  Outbox(DriverLink link, BooleanSupplier stopped) {
    this.link = link;
    this.stopped = stopped;
  }

  /** Waits until another sum can be taken. */
  void awaitRoom() throws StoppedException {
    try {
      while (!free.tryAcquire(100, TimeUnit.MILLISECONDS)) {
        if (stopped.getAsBoolean()) {
          throw new StoppedException();
        }
      }
      free.release();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoppedException();
    }
  }

  /** Takes the sum and gives it back to the pool when it is sent or not needed. */
  void send(Request.Offer offer, FlatVector sum, GradientFormat format, VectorPool pool) {
    free.acquireUninterruptibly();
    senders.execute(
        () -> {
          try {
            deliver(offer, sum, format);
          } catch (BrokenException e) {
            // The worker's own thread notices a lost driver; here only this result is lost.
            log.warn("The result of lease {} was not delivered: {}", offer.lease(), e.getMessage());
            giveBack(offer.lease());
          } catch (StoppedException e) {
            log.debug("Stopped before the result of lease {} was delivered", offer.lease());
          } finally {
            pool.giveBack(sum);
            free.release();
          }
        });
  }

  private void deliver(Request.Offer offer, FlatVector sum, GradientFormat format)
      throws BrokenException, StoppedException {
    BrokenException last = null;
    for (int i = 0; i < TRIES; i++) {
      Reply reply = link.call(offer);
      if (!(reply instanceof Reply.Send)) {
        return;
      }
      try {
        if (link.push(offer.lease(), sum, format)) {
          return;
        }
      } catch (BrokenException e) {
        last = e;
      }
    }
    throw last != null
        ? last
        : new BrokenException("the driver did not get it whole in " + TRIES + " tries", null);
  }

  private void giveBack(long lease) {
    try {
      link.call(new Request.GiveBack(lease));
    } catch (BrokenException | StoppedException e) {
      log.debug("The driver will notice by itself that lease {} is lost", lease);
    }
  }

  @Override
  public void close() {
    senders.shutdownNow();
  }
}

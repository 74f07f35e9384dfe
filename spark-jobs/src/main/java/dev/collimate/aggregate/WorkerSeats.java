package dev.collimate.aggregate;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps workers in the executors. Each seat is its own Spark job of one task, submitted again
 * whenever it ends, so no loss of an executor ends anything and a late executor finds a seat. While
 * seats are open, no other Spark job should be submitted: it might wait for ever.
 */
public final class WorkerSeats implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(WorkerSeats.class);
  private static final long FIRST_PAUSE_MILLIS = 100;
  private static final long LONGEST_PAUSE_MILLIS = 5_000;
  private static final long CLOSE_MILLIS = 10_000;

  private final JavaSparkContext spark;
  private final Aggregator aggregator;
  private final SeatTask task;
  private final List<Thread> seats = new ArrayList<>();
  private final Losses losses = new Losses();
  private final FailedStarts failedStarts;
  private volatile boolean closing;

  private WorkerSeats(
      JavaSparkContext spark, Aggregator aggregator, WorkerTaskFactory tasks, int count) {
    this.spark = spark;
    this.aggregator = aggregator;
    this.task = new SeatTask(aggregator.endpoint(), tasks);
    this.failedStarts = new FailedStarts(count);
  }

  /**
   * Opens seats; those beyond the executors that there are wait for more.
   *
   * @param tasks travels to the executors with each seat's job
   */
  public static WorkerSeats open(
      JavaSparkContext spark, Aggregator aggregator, WorkerTaskFactory tasks, int count) {
    WorkerSeats seats = new WorkerSeats(spark, aggregator, tasks, count);
    spark.sc().addSparkListener(seats.losses);
    for (int i = 0; i < count; i++) {
      int number = i;
      Thread thread = new Thread(() -> seats.keep(number), "collimate-seat-" + number);
      thread.setDaemon(true);
      seats.seats.add(thread);
      thread.start();
    }
    return seats;
  }

  /**
   * Ends the seats. To be called after the aggregator has been closed, so that the workers have
   * been told to stop; jobs that still run are cancelled.
   */
  @Override
  public void close() {
    closing = true;
    spark.sc().removeSparkListener(losses);
    seats.forEach(Thread::interrupt);
    long end = System.nanoTime() + CLOSE_MILLIS * 1_000_000;
    try {
      for (Thread seat : seats) {
        seat.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void keep(int number) {
    long pause = FIRST_PAUSE_MILLIS;
    try {
      while (!closing && !spark.sc().isStopped()) {
        long begin = System.nanoTime();
        WorkerEnd end = sit(number);
        if (end.why() == WorkerEnd.Why.STOPPED) {
          return;
        }
        note(number, end);
        boolean worked = System.nanoTime() - begin > TimeUnit.MINUTES.toNanos(1);
        pause = worked ? FIRST_PAUSE_MILLIS : pause;
        Thread.sleep(pause);
        pause = Math.min(LONGEST_PAUSE_MILLIS, 2 * pause);
      }
    } catch (InterruptedException e) {
      log.debug("Seat {} is closed", number);
    } catch (Exception e) {
      // Spark, being Scala, throws checked exceptions that no method declares: a task that cannot
      // be
      // serialized must end the run, not leave it waiting for workers.
      if (!closing && !spark.sc().isStopped()) {
        log.error("Seat {} cannot be kept", number, e);
        aggregator.noteFailure("seat " + number, String.valueOf(e.getMessage()));
      }
    }
  }

  /** One job of one task, from its submission to its end. */
  private WorkerEnd sit(int number) throws InterruptedException {
    spark.setJobGroup("collimate-workers", "Worker seat " + number, /* interruptOnCancel= */ false);
    JavaFutureAction<List<WorkerEnd>> job =
        spark.parallelize(List.of(number), 1).map(task).collectAsync();
    try {
      return job.get().get(0);
    } catch (ExecutionException e) {
      return new WorkerEnd(WorkerEnd.Why.FAILED, String.valueOf(e.getCause().getMessage()));
    } catch (InterruptedException e) {
      endJob(job);
      throw e;
    }
  }

  /** The worker has been told to stop; what does not end by itself is cancelled. */
  private static void endJob(JavaFutureAction<List<WorkerEnd>> job) {
    try {
      job.get(3, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException | InterruptedException e) {
      job.cancel(true);
    }
  }

  private void note(int number, WorkerEnd end) {
    if (end.why() == WorkerEnd.Why.BUSY) {
      log.debug("Seat {}: {}", number, end.sentence());
    } else {
      String sentence = ExitCode.explain(end.sentence());
      log.warn("Seat {} ended ({}) and is opened again: {}", number, end.why(), sentence);
      aggregator.noteFailure("seat " + number, sentence);
    }
    failedStarts.ended(number, end).ifPresent(aggregator::expectNobody);
  }

  /** Why Spark has removed an executor is the first cause that a person wants to read. */
  private final class Losses extends SparkListener {
    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
      String reason = ExitCode.explain(removed.reason());
      log.warn("Spark has removed executor {}: {}", removed.executorId(), reason);
      aggregator.noteFailure("executor " + removed.executorId(), reason);
    }
  }
}

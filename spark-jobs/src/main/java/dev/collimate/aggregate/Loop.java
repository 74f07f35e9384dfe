package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The aggregator's one thread. Whoever asks it for something gets an answer, whatever happens. */
final class Loop implements Executor, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Loop.class);

  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "collimate-aggregator"));
  private final Queue<CompletableFuture<?>> asked = new ConcurrentLinkedQueue<>();
  private final Consumer<Throwable> whenFailed;

  /**
   * @param whenFailed told on this thread of what a task has thrown, which must not end it unseen
   */
  Loop(Consumer<Throwable> whenFailed) {
    this.whenFailed = whenFailed;
  }

  /** Does nothing once it is closed. */
  @Override
  public void execute(Runnable task) {
    try {
      thread.execute(guarded(task));
    } catch (RejectedExecutionException e) {
      log.debug("The aggregator is closed", e);
    }
  }

  void every(long millis, Runnable task) {
    var unused =
        thread.scheduleWithFixedDelay(guarded(task), millis, millis, TimeUnit.MILLISECONDS);
  }

  /**
   * Has a caller's wish met on this thread.
   *
   * @param wish completes the future, now or later
   */
  <T> CompletableFuture<T> ask(Consumer<CompletableFuture<T>> wish) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    asked.add(answer);
    var unused = answer.whenComplete((result, failure) -> asked.removeIf(each -> each == answer));
    try {
      thread.execute(
          () -> {
            try {
              wish.accept(answer);
            } catch (RuntimeException | Error e) {
              answer.completeExceptionally(e);
            }
          });
    } catch (RejectedExecutionException e) {
      answer.completeExceptionally(closed());
    }
    return answer;
  }

  @Override
  public void close() {
    thread.shutdownNow();
    asked.forEach(each -> each.completeExceptionally(closed()));
  }

  static CollimateException closed() {
    return CollimateException.resources("the aggregator was closed");
  }

  static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  private Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        whenFailed.accept(e);
      }
    };
  }
}

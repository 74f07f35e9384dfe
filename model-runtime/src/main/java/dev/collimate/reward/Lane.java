package dev.collimate.reward;

import dev.collimate.reward.RewardFailure.Reason;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * A thread that calls a function. Where a call takes too long, both are given up and replaced. Used
 * by one thread.
 */
final class Lane implements AutoCloseable {

  private static final int MOST_DETAIL = 300;

  private final String name;
  private final Supplier<RewardFunction> functions;
  private final Duration timeout;
  private final Stuck stuck;
  private ExecutorService thread;
  private RewardFunction function;

  /**
   * @param name of the threads
   * @param stuck where threads that are given up are noted
   */
  Lane(String name, Supplier<RewardFunction> functions, Duration timeout, Stuck stuck) {
    this.name = name;
    this.functions = functions;
    this.timeout = timeout;
    this.stuck = stuck;
    this.thread = newThread(name);
  }

  private static ExecutorService newThread(String name) {
    return Executors.newSingleThreadExecutor(
        task -> {
          Thread thread = new Thread(task, name);
          thread.setDaemon(true);
          return thread;
        });
  }

  /** An answer for each row; a failure of the call is every row's. */
  List<Answer> call(List<Rollout> rows) throws InterruptedException {
    if (!stuck.mayCall()) {
      return Answer.failed(rows.size(), Reason.NOT_ASKED, "too many calls are stuck");
    }
    Future<List<OptionalDouble>> call = thread.submit(() -> function().score(RewardBatch.of(rows)));
    try {
      return Answer.of(call.get(timeout.toMillis(), TimeUnit.MILLISECONDS), rows.size());
    } catch (TimeoutException e) {
      call.cancel(/* mayInterruptIfRunning= */ true);
      replace();
      return Answer.failed(
          rows.size(), Reason.TIMED_OUT, "took longer than " + timeout.toMillis() / 1e3 + " s");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof VirtualMachineError fatal
          && !(fatal instanceof StackOverflowError)) {
        throw fatal;
      }
      return Answer.failed(rows.size(), Reason.THREW, detail(e.getCause()));
    }
  }

  private RewardFunction function() {
    if (function == null) {
      function = functions.get();
    }
    return function;
  }

  private void replace() {
    thread.shutdownNow();
    stuck.add(thread);
    thread = newThread(name);
    function = null;
  }

  /** One line, of a length that a report bears. */
  private static String detail(Throwable thrown) {
    String message = thrown.getMessage() == null ? "" : thrown.getMessage();
    String line =
        (thrown.getClass().getSimpleName() + ": " + message).replaceAll("\\s+", " ").strip();
    return line.length() <= MOST_DETAIL ? line : line.substring(0, MOST_DETAIL) + "…";
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}

package dev.collimate.aggregate;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;

/**
 * Many workers in each executor, to measure what the driver bears: real clients over real sockets
 * from other processes, with tasks that compute next to nothing.
 */
public final class SimulatedWorkers implements AutoCloseable {

  private static final long CLOSE_SECONDS = 10;

  private final JavaFutureAction<List<Integer>> job;

  private SimulatedWorkers(JavaFutureAction<List<Integer>> job) {
    this.job = job;
  }

  /**
   * Starts the workers.
   *
   * @param tasks must share what is large, for every worker makes its own task
   * @param count workers in all
   * @param processes Spark tasks to spread them over
   */
  public static SimulatedWorkers open(
      JavaSparkContext spark,
      Aggregator aggregator,
      WorkerTaskFactory tasks,
      int count,
      int processes) {
    List<Integer> sizes =
        IntStream.range(0, processes)
            .map(i -> count * (i + 1) / processes - count * i / processes)
            .boxed()
            .toList();
    return new SimulatedWorkers(
        spark
            .parallelize(sizes, processes)
            .map(new Crowd(aggregator.endpoint(), tasks))
            .collectAsync());
  }

  /** To be called after the aggregator has been closed, so that the workers have been told. */
  @Override
  public void close() {
    try {
      job.get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      job.cancel(true);
    } catch (InterruptedException e) {
      job.cancel(true);
      Thread.currentThread().interrupt();
    }
  }

  /** The workers of one Spark task. */
  private record Crowd(Endpoint endpoint, WorkerTaskFactory tasks)
      implements Function<Integer, Integer> {

    @Override
    public Integer call(Integer size) throws InterruptedException {
      TaskContext context = TaskContext.get();
      SparkEnv env = SparkEnv.get();
      SparkTransport transport = SparkTransport.ofThisJvm();
      List<Thread> workers = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        WorkerPlace place =
            new WorkerPlace(
                env.executorId() + "." + i,
                env.blockManager().blockManagerId().host(),
                ProcessHandle.current().pid());
        WorkerClient client =
            new WorkerClient(endpoint, tasks, place, transport, context::isInterrupted);
        Thread worker = new Thread(client::run, "collimate-worker-" + i);
        worker.setDaemon(true);
        worker.start();
        workers.add(worker);
      }
      for (Thread worker : workers) {
        worker.join();
      }
      return size;
    }
  }
}

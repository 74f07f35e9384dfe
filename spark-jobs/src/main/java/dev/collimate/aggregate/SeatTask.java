package dev.collimate.aggregate;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.serializer.SerializerInstance;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * The Spark task of a seat: a worker, if this JVM has none. It never throws, so that Spark does not
 * count its end as a failure.
 */
final class SeatTask implements Function<Integer, WorkerEnd> {

  private static final long serialVersionUID = 1;
  private static final ClassTag<WorkerTaskFactory> TYPE =
      ClassTag$.MODULE$.apply(WorkerTaskFactory.class);
  private static final Logger log = LoggerFactory.getLogger(SeatTask.class);
  private static final int STUCK_SECONDS = 30;
  private static final int STUCK_EXIT_CODE = 70;

  /** Libtorch has one state per process, so a JVM holds one worker. */
  private static final AtomicBoolean OCCUPIED = new AtomicBoolean();

  private final Endpoint endpoint;

  /** Serialized apart, so that what cannot be read of it is the worker's failure, not Spark's. */
  private final byte[] tasks;

  SeatTask(Endpoint endpoint, WorkerTaskFactory tasks) {
    this.endpoint = endpoint;
    this.tasks = serializer().serialize(tasks, TYPE).array();
  }

  private static SerializerInstance serializer() {
    return SparkEnv.get().closureSerializer().newInstance();
  }

  private WorkerTaskFactory tasks() {
    return serializer()
        .deserialize(ByteBuffer.wrap(tasks), Thread.currentThread().getContextClassLoader(), TYPE);
  }

  @Override
  public WorkerEnd call(Integer seat) {
    if (!OCCUPIED.compareAndSet(false, true)) {
      return new WorkerEnd(WorkerEnd.Why.BUSY, "another worker runs in this JVM");
    }
    TaskContext context = TaskContext.get();
    SparkEnv env = SparkEnv.get();
    WorkerPlace place =
        new WorkerPlace(
            env.executorId(),
            env.blockManager().blockManagerId().host(),
            ProcessHandle.current().pid());
    Watch watch = new Watch(context::isInterrupted, !env.executorId().equals("driver"));
    watch.start();
    try {
      return new WorkerClient(
              endpoint, tasks(), place, SparkTransport.ofThisJvm(), context::isInterrupted)
          .run();
    } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
      log.error("The worker failed", e);
      return FailedStarts.isFinal(e)
          ? new WorkerEnd(WorkerEnd.Why.UNFIT, place + ": " + e.getMessage())
          : new WorkerEnd(WorkerEnd.Why.FAILED, place + ": " + e);
    } finally {
      watch.end();
      OCCUPIED.set(false);
    }
  }

  /**
   * Native code cannot be interrupted. A worker that stays in it long after its task was killed
   * would keep its successor out for ever, so it takes its JVM with it.
   */
  private static final class Watch extends Thread {
    private final BooleanSupplier killed;
    private final boolean ownJvm;
    private volatile boolean over;

    private Watch(BooleanSupplier killed, boolean ownJvm) {
      super("collimate-watch");
      setDaemon(true);
      this.killed = killed;
      this.ownJvm = ownJvm;
    }

    private void end() {
      over = true;
      interrupt();
    }

    @Override
    public void run() {
      int secondsKilled = 0;
      try {
        while (!over && secondsKilled < STUCK_SECONDS) {
          sleep(1_000);
          secondsKilled = killed.getAsBoolean() ? secondsKilled + 1 : 0;
        }
      } catch (InterruptedException e) {
        return;
      }
      if (!over && ownJvm) {
        log.error("A killed worker has been stuck for {} s: this JVM ends", STUCK_SECONDS);
        Runtime.getRuntime().halt(STUCK_EXIT_CODE);
      }
    }
  }
}

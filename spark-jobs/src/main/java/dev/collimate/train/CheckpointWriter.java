package dev.collimate.train;

import dev.collimate.report.MetricsLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Publishes checkpoints beside training, one at a time, so that no worker waits for the file
 * system.
 */
final class CheckpointWriter implements AutoCloseable {

  private final CheckpointStore store;
  private final OptionalInt saveTotalLimit;
  private final MetricsLog metrics;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread writer = new Thread(task, "collimate-checkpoint");
            writer.setDaemon(true);
            return writer;
          });
  private CompletableFuture<Void> pending = CompletableFuture.completedFuture(null);

  /**
   * @param metrics rewritten with every checkpoint, so that a resumed run finds the lines before it
   */
  CheckpointWriter(CheckpointStore store, OptionalInt saveTotalLimit, MetricsLog metrics) {
    this.store = store;
    this.metrics = metrics;
    this.saveTotalLimit = saveTotalLimit;
  }

  /**
   * Takes a copy of the state and publishes it in the background; waits first for the checkpoint
   * before, so that at most one copy is held. Throws what that one failed with.
   */
  void submit(TrainingState state) {
    await();
    TrainingState copy = state.copy();
    pending =
        CompletableFuture.runAsync(
            () -> {
              try {
                metrics.flush();
                store.save(copy);
                store.keepNewest(saveTotalLimit);
              } catch (IOException e) {
                throw new UncheckedIOException(
                    "Cannot write the checkpoint of step " + copy.progress().step(), e);
              }
            },
            thread);
  }

  /** Waits until everything submitted is published. */
  void await() {
    try {
      pending.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    thread.shutdown();
  }
}

package dev.collimate.train;

import dev.collimate.config.TrainConfig;
import dev.collimate.report.MetricsLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes checkpoints beside training, one at a time, so that no worker waits for the file
 * system.
 */
final class CheckpointWriter implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(CheckpointWriter.class);

  private final CheckpointStore store;
  private final OptionalInt saveTotalLimit;
  private final Optional<BestCheckpoint> best;
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
   * @param config which checkpoints stay
   * @param metrics rewritten with every checkpoint, so that a resumed run finds the lines before it
   */
  CheckpointWriter(CheckpointStore store, TrainConfig config, MetricsLog metrics) {
    this.store = store;
    this.best = BestCheckpoint.of(config);
    this.metrics = metrics;
    this.saveTotalLimit = config.saveTotalLimit();
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
                // A driver that lost the run must not replace the lines of the one that has it.
                store.requireOwned();
                metrics.flush();
                store.save(copy);
                long saved = copy.progress().step();
                store.keepNewest(saveTotalLimit, saved, bestUpTo(saved));
              } catch (IOException e) {
                throw new UncheckedIOException(
                    "Cannot write the checkpoint of step " + copy.progress().step(), e);
              }
            },
            thread);
  }

  /** Training may have logged an evaluation since whose checkpoint is yet to come. */
  private OptionalLong bestUpTo(long saved) throws IOException {
    List<Long> steps = store.steps().stream().filter(step -> step <= saved).toList();
    return best.isPresent() ? best.get().step(metrics.lines(), steps) : OptionalLong.empty();
  }

  /** Waits until everything submitted is published. */
  void await() {
    CompletableFuture<Void> last = pending;
    pending = CompletableFuture.completedFuture(null);
    try {
      last.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  /**
   * Lets the checkpoint under way finish and writes the last metric lines, also of a run that
   * failed; so it never throws, which would hide the failure.
   */
  @Override
  public void close() {
    try {
      await();
    } catch (RuntimeException e) {
      log.warn("The last checkpoint was not written", e);
    }
    try {
      store.requireOwned();
      metrics.flush();
    } catch (IOException | RuntimeException e) {
      log.warn("The last metric lines were not written", e);
    }
    thread.shutdown();
  }
}

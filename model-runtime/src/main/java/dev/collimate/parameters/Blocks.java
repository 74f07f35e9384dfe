package dev.collimate.parameters;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Work on the blocks of a flat vector by several threads, each block by one of them. */
public final class Blocks {

  private static final Executor NEW_THREAD =
      work -> {
        Thread thread = new Thread(work, "collimate-blocks");
        thread.setDaemon(true);
        thread.start();
      };

  private Blocks() {}

  /**
   * Returns when no thread works any more. The failure of a block ends the thread that met it and
   * is thrown here as it is, one of them where there are several.
   */
  public static void run(int blocks, int threads, IntConsumer work) {
    AtomicInteger next = new AtomicInteger();
    Runnable loop =
        () -> {
          for (int block = next.getAndIncrement(); block < blocks; block = next.getAndIncrement()) {
            work.accept(block);
          }
        };
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 1; i < Math.min(threads, blocks); i++) {
      all.add(CompletableFuture.runAsync(loop, NEW_THREAD));
    }
    all.add(CompletableFuture.runAsync(loop, Runnable::run));
    try {
      CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new)).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      } else if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }
}

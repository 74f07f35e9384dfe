package dev.collimate.parameters;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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

  /** Returns when every block is done; a failure of one is thrown here. */
  public static void run(int blocks, int threads, IntConsumer work) {
    AtomicInteger next = new AtomicInteger();
    Runnable loop =
        () -> {
          for (int block = next.getAndIncrement(); block < blocks; block = next.getAndIncrement()) {
            work.accept(block);
          }
        };
    List<CompletableFuture<Void>> others = new ArrayList<>();
    for (int i = 1; i < Math.min(threads, blocks); i++) {
      others.add(CompletableFuture.runAsync(loop, NEW_THREAD));
    }
    loop.run();
    others.forEach(CompletableFuture::join);
  }
}

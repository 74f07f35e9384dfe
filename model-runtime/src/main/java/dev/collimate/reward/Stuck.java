package dev.collimate.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;

/** The threads of a reward that were given up and have not ended. */
final class Stuck {

  /** Blocked threads cost little, but what loops takes a core from the driver. */
  private static final int MOST = 16;

  private final List<ExecutorService> threads = new ArrayList<>();

  synchronized void add(ExecutorService thread) {
    threads.add(thread);
  }

  /** Whether there is room for one more that may get stuck. */
  synchronized boolean mayCall() {
    threads.removeIf(ExecutorService::isTerminated);
    return threads.size() < MOST;
  }
}

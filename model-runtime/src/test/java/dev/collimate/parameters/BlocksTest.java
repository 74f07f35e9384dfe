package dev.collimate.parameters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BlocksTest {

  private final Thread caller = Thread.currentThread();
  private final CountDownLatch failing = new CountDownLatch(1);
  private final AtomicInteger done = new AtomicInteger();

  @Test
  void anotherThreadsFailureIsThrownAsItIs() {
    assertThatThrownBy(() -> Blocks.run(2, 2, block -> work(Thread.currentThread() != caller)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("of a block");
  }

  @Test
  void theCallersFailureIsThrownWhenTheOthersHaveEnded() {
    assertThatThrownBy(() -> Blocks.run(3, 3, block -> work(Thread.currentThread() == caller)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("of a block");
    assertThat(done).hasValue(2);
  }

  /** One side fails at its first block, the other is done with its own only after that. */
  private void work(boolean fails) {
    if (fails) {
      failing.countDown();
      throw new IllegalStateException("of a block");
    }
    try {
      failing.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    done.incrementAndGet();
  }
}

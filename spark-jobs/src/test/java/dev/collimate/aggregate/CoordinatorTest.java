package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whoever waits for the aggregator hears how it ended. */
class CoordinatorTest {

  private final Coordinator coordinator =
      new Coordinator(AggregatorConfig.forWorkers(1), RegistrationPolicy.ANYONE);

  @AfterEach
  void close() {
    coordinator.close();
  }

  @Test
  void aSumThatFailsEndsTheRound() {
    CompletableFuture<StepResult> step = begin();
    coordinator.onReducer(
        () -> {
          throw new OutOfMemoryError("no room for a sum");
        });
    assertFails(step, "the aggregator failed: java.lang.OutOfMemoryError: no room for a sum");
  }

  @Test
  void aRoundThatCannotBeginFails() {
    CompletableFuture<StepResult> first = begin();
    assertThatThrownBy(() -> begin().get(20, TimeUnit.SECONDS))
        .rootCause()
        .hasMessage("a round is in progress");
    coordinator.close();
    assertFails(first, "the aggregator was closed");
  }

  @Test
  void closingEndsWhatIsWaitedFor() {
    CompletableFuture<Integer> workers = coordinator.gather();
    CompletableFuture<StepResult> step = begin();
    coordinator.close();
    assertFails(workers, "the aggregator was closed");
    assertFails(step, "the aggregator was closed");
  }

  @Test
  void nothingBeginsAfterTheEnd() {
    coordinator.close();
    assertFails(begin(), "the aggregator was closed");
    assertFails(coordinator.gather(), "the aggregator was closed");
    assertFails(coordinator.workers(), "the aggregator was closed");
  }

  private CompletableFuture<StepResult> begin() {
    return coordinator.begin(Reply.Work.GRADIENT, 1, new FlatVector(3), List.of(new byte[0]));
  }

  private static void assertFails(CompletableFuture<?> future, String sentence) {
    assertThatThrownBy(() -> future.get(20, TimeUnit.SECONDS))
        .cause()
        .isInstanceOf(CollimateException.class)
        .hasMessage(sentence);
  }
}

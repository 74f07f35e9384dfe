package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.WorkerEnd.Why;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailedStartsTest {

  private static final WorkerEnd UNFIT = new WorkerEnd(Why.UNFIT, "executor 1: no folder '/m'");

  @Test
  void everySeatMustHaveFailedThreeTimesInARow() {
    FailedStarts starts = new FailedStarts(2);
    for (int i = 0; i < 100; i++) {
      assertThat(starts.ended(0, UNFIT)).as("the other seat may start yet").isEmpty();
    }
    assertThat(starts.ended(1, UNFIT)).isEmpty();
    assertThat(starts.ended(1, new WorkerEnd(Why.BUSY, "another runs"))).isEmpty();
    assertThat(starts.ended(1, new WorkerEnd(Why.UNFIT, "executor 2: another"))).isEmpty();
    assertThat(starts.ended(1, UNFIT))
        .hasValueSatisfying(
            failure ->
                assertThat(failure)
                    .hasMessage(
                        "no worker can start, on any executor that was tried; first on executor 1:"
                            + " no folder '/m'"));
  }

  @Test
  void anyOtherEndStartsTheCountAnew() {
    FailedStarts starts = new FailedStarts(1);
    for (int i = 0; i < 100; i++) {
      assertThat(starts.ended(0, i % 3 == 2 ? new WorkerEnd(Why.FAILED, "oom") : UNFIT)).isEmpty();
    }
  }

  @Test
  void whatIsRefusedOrMissingIsFinal() {
    assertThat(FailedStarts.isFinal(CollimateException.usage("model: no folder"))).isTrue();
    assertThat(FailedStarts.isFinal(CollimateException.data("other files"))).isTrue();
    assertThat(FailedStarts.isFinal(new UncheckedIOException(new NoSuchFileException("/m"))))
        .isTrue();
    assertThat(FailedStarts.isFinal(new NoClassDefFoundError("org/example/Mine"))).isTrue();
  }

  @Test
  void whatMayPassIsNot() {
    IOException connection = new IOException("connection refused");
    assertThat(FailedStarts.isFinal(CollimateException.resources("the GPU is taken"))).isFalse();
    assertThat(FailedStarts.isFinal(new UncheckedIOException(connection))).isFalse();
    assertThat(
            FailedStarts.isFinal(
                new CollimateException(
                    CollimateException.Kind.USAGE, "model: cannot read '/m'", connection)))
        .isFalse();
    assertThat(FailedStarts.isFinal(new OutOfMemoryError())).isFalse();
  }
}

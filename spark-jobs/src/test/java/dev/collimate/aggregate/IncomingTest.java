package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class IncomingTest {

  private static final long SECOND = 1_000_000_000L;
  private static final int BLOCKS = 400;

  private final FlatVector buffer = new FlatVector((long) BLOCKS * FlatVector.BLOCK);
  private final Incoming incoming =
      new Incoming(1, 1, buffer, GradientFormat.FLOAT32, /* now= */ 0);

  @Test
  void aTrickleIsTooSlowAfterItsFirstHalfMinute() {
    VectorReceiver receiver = open(0, 1);
    for (int second = 1; second <= 30; second++) {
      receiver.onData("", ByteBuffer.allocate(4));
      assertThat(incoming.isTooSlow(second * SECOND)).isFalse();
    }
    assertThat(incoming.isTooSlow(31 * SECOND)).isTrue();
  }

  @Test
  void whatComesAtAMegabyteASecondMayGoOn() {
    VectorReceiver receiver = open(0, BLOCKS);
    receiver.abort("only the amount matters here");
    ByteBuffer seconds = ByteBuffer.allocate(31_000_000);
    receiver.onData("", seconds);
    assertThat(incoming.isTooSlow(31 * SECOND)).isFalse();
    receiver.onData("", seconds);
    assertThat(incoming.isTooSlow(62 * SECOND)).isFalse();
    assertThat(incoming.isTooSlow(93 * SECOND)).as("it stands still").isTrue();
  }

  @Test
  void anUploadThatNeverBeginsIsTooSlow() {
    assertThat(incoming.isTooSlow(31 * SECOND)).isTrue();
  }

  @Test
  void aStreamOfNoBlocksIsRefused() {
    assertThat(incoming.open(3, 3, (place, from, to, fault) -> {})).isEmpty();
    assertThat(incoming.open(4, 3, (place, from, to, fault) -> {})).isEmpty();
  }

  private VectorReceiver open(int from, int to) {
    return incoming.open(from, to, (place, first, last, fault) -> {}).orElseThrow();
  }
}

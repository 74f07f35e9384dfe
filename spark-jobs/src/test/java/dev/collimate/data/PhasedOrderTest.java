package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.objective.Progression;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Ten first statements, ten second ones and five third ones, a row's number after another's. */
class PhasedOrderTest {

  private static final int[] MIXED = IntStream.range(0, 25).map(i -> i * 7 % 25).toArray();

  private static PhasedOrder order(double replay) {
    return new PhasedOrder(
        new Progression("statement", replay),
        row -> row < 10 ? 1 : row < 20 ? 2 : 7,
        /* seed= */ 3,
        row -> Digest128.of("row " + row));
  }

  private static int[] mixed(int from, int to) {
    return Arrays.stream(MIXED).filter(row -> row >= from && row < to).toArray();
  }

  @Test
  void withoutReplayStatementsComeInTheirOrderAndWithinOneAsTheyWere() {
    int[] phased = order(0).of(0, MIXED);
    assertThat(Arrays.copyOfRange(phased, 0, 10)).isEqualTo(mixed(0, 10));
    assertThat(Arrays.copyOfRange(phased, 10, 20)).isEqualTo(mixed(10, 20));
    assertThat(Arrays.copyOfRange(phased, 20, 25)).isEqualTo(mixed(20, 25));
    assertThat(phased).hasSize(25);
  }

  /** Two of the first ten after every fifth of the second ten, and one among the third five. */
  @Test
  void aPhaseReplaysAPartOfItsRowsFromEarlierOnes() {
    int[] phased = order(0.2).of(0, MIXED);
    assertThat(phased).hasSize(25 + 2 + 1);
    int[] second = Arrays.copyOfRange(phased, 10, 22);
    assertThat(Arrays.stream(second).filter(row -> row >= 10).toArray()).isEqualTo(mixed(10, 20));
    assertThat(second[5]).isLessThan(10);
    assertThat(second[11]).isLessThan(10).isNotEqualTo(second[5]);
    int[] third = Arrays.copyOfRange(phased, 22, 28);
    assertThat(third[5]).as("the replayed one, of the first two phases").isLessThan(20);
  }

  @Test
  void anEpochReplaysOthersAndIsAsLong() {
    PhasedOrder order = order(0.5);
    int[] first = order.of(0, MIXED);
    int[] second = order.of(1, MIXED);
    assertThat(second).hasSameSizeAs(first).isNotEqualTo(first);
    assertThat(order.of(1, MIXED)).isEqualTo(second);
    assertThat(first.length).isEqualTo(25 + 5 + 3);
  }

  @Test
  void noMoreIsReplayedThanThereWas() {
    PhasedOrder order =
        new PhasedOrder(
            new Progression("statement", /* replay= */ 1),
            row -> row < 1 ? 1 : 2,
            /* seed= */ 3,
            row -> Digest128.of("" + row));
    assertThat(order.of(0, new int[] {2, 1, 0})).containsExactly(0, 2, 1, 0);
  }
}

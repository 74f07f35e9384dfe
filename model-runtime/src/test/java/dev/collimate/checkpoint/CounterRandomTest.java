package dev.collimate.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class CounterRandomTest {

  /** Known answers of the authors' library (Random123, kat_vectors, philox4x32 10). */
  @Test
  void blocksAreThoseOfThePublishedGenerator() {
    assertThat(CounterRandom.block(0, 0, new int[4]))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertThat(CounterRandom.block(-1, -1, new int[] {-1, -1, -1, -1}))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
  }

  @Test
  void drawsAreStandardNormal() {
    CounterRandom random = new CounterRandom(1, "w");
    int count = 200_000;
    double[] draws = LongStream.range(0, count).mapToDouble(random::normal).toArray();
    double mean = Arrays.stream(draws).average().orElseThrow();
    double square = Arrays.stream(draws).map(x -> x * x).average().orElseThrow();
    double fourth = Arrays.stream(draws).map(x -> x * x * x * x).average().orElseThrow();
    // Four standard errors each: 1, sqrt 2 and sqrt 96 over sqrt(count).
    assertThat(mean).isCloseTo(0, within(4 / Math.sqrt(count)));
    assertThat(square).isCloseTo(1, within(4 * Math.sqrt(2.0 / count)));
    assertThat(fourth).isCloseTo(3, within(4 * Math.sqrt(96.0 / count)));
  }

  @Test
  void anotherSeedOrNameDrawsOtherNumbers() {
    double draw = new CounterRandom(1, "w").normal(5);
    assertThat(new CounterRandom(1, "w").normal(5)).isEqualTo(draw);
    assertThat(new CounterRandom(2, "w").normal(5)).isNotEqualTo(draw);
    assertThat(new CounterRandom(1, "v").normal(5)).isNotEqualTo(draw);
  }

  @Test
  void uniformDrawsFillTheirInterval() {
    CounterRandom random = new CounterRandom(3, "a");
    assertThat(LongStream.range(0, 10_000).mapToDouble(random::uniform).summaryStatistics())
        .satisfies(
            all -> {
              assertThat(all.getMin()).isBetween(0.0, 0.001);
              assertThat(all.getMax()).isBetween(0.999, 1.0);
              assertThat(all.getAverage()).isCloseTo(0.5, within(0.015));
            });
  }
}

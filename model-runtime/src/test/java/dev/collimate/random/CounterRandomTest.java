package dev.collimate.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class CounterRandomTest {

  @Test
  void entriesAreThoseThatSplitMixDrawsInTurn() {
    SplittableRandom sequential = new SplittableRandom(42);
    CounterRandom random = new CounterRandom(42);
    for (int i = 0; i < 100; i++) {
      assertThat(random.uniform(i)).isEqualTo(sequential.nextDouble());
    }
  }

  @Test
  void drawsAreStandardNormal() {
    CounterRandom random = CounterRandom.of(1, "w");
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
    double draw = CounterRandom.of(1, "w").normal(5);
    assertThat(CounterRandom.of(1, "w").normal(5)).isEqualTo(draw);
    assertThat(CounterRandom.of(2, "w").normal(5)).isNotEqualTo(draw);
    assertThat(CounterRandom.of(1, "v").normal(5)).isNotEqualTo(draw);
  }

  @Test
  void uniformDrawsFillTheirInterval() {
    CounterRandom random = CounterRandom.of(3, "a");
    assertThat(LongStream.range(0, 10_000).mapToDouble(random::uniform).summaryStatistics())
        .satisfies(
            all -> {
              assertThat(all.getMin()).isBetween(0.0, 0.001);
              assertThat(all.getMax()).isBetween(0.999, 1.0);
              assertThat(all.getAverage()).isCloseTo(0.5, within(0.015));
            });
  }

  @Test
  void childrenAreStreamsOfTheirOwn() {
    CounterRandom random = CounterRandom.of(3, "a");
    assertThat(random.child(1).uniform(0)).isNotEqualTo(random.child(2).uniform(0));
    assertThat(random.child(1).uniform(0)).isEqualTo(random.child(1).uniform(0));
    assertThat(random.child(0).uniform(0)).isNotEqualTo(random.uniform(0));
  }
}

package dev.collimate.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DecodeCostTest {

  /** 1000 weights in bfloat16, 8 numbers of cache and 32 operations of attention a token. */
  private static final DecodeCost COST = new DecodeCost(1_000, 2, 8, 32);

  @Test
  void weightsAreReadOnceAndTheCacheForEveryRow() {
    assertThat(COST.bytes(1, 10)).isEqualTo(2_000 + 10 * 8 * 4);
    assertThat(COST.bytes(5, 10)).isEqualTo(2_000 + 5 * 10 * 8 * 4);
  }

  @Test
  void everyRowIsMultipliedByAllWeights() {
    assertThat(COST.flops(5, 10)).isEqualTo(5 * (2 * 1_000 + 10 * 32));
  }
}

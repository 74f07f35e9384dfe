package dev.collimate.parameters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class Hash128Test {

  private static final byte[] NONE = {};

  @Test
  void equalBitsHaveEqualHashes() {
    assertThat(Hash128.of(vector(100_003), new byte[] {1, 2}))
        .isEqualTo(Hash128.of(vector(100_003), new byte[] {1, 2}));
  }

  @Test
  void everySingleFlippedBitIsSeen() {
    FlatVector vector = vector(70);
    Set<Hash128> seen = new HashSet<>();
    seen.add(Hash128.of(vector, NONE));
    for (int i = 0; i < 70; i++) {
      float before = vector.get(i);
      for (int bit = 0; bit < 32; bit++) {
        vector.set(i, Float.intBitsToFloat(Float.floatToRawIntBits(before) ^ (1 << bit)));
        seen.add(Hash128.of(vector, NONE));
      }
      vector.set(i, before);
    }
    assertThat(seen).hasSize(1 + 70 * 32);
  }

  @Test
  void negativeZeroIsNotZero() {
    FlatVector zero = new FlatVector(3);
    FlatVector negative = new FlatVector(3);
    negative.set(1, -0.0f);
    assertThat(Hash128.of(zero, NONE)).isNotEqualTo(Hash128.of(negative, NONE));
  }

  @Test
  void lengthAndBytesCount() {
    Hash128 hash = Hash128.of(new FlatVector(8), NONE);
    assertThat(Hash128.of(new FlatVector(9), NONE)).isNotEqualTo(hash);
    assertThat(Hash128.of(new FlatVector(8), new byte[1])).isNotEqualTo(hash);
    assertThat(Hash128.of(new FlatVector(8), new byte[2]))
        .isNotEqualTo(Hash128.of(new FlatVector(8), new byte[1]));
  }

  private static FlatVector vector(int size) {
    Random random = new Random(7);
    FlatVector vector = new FlatVector(size);
    for (int i = 0; i < size; i++) {
      vector.set(i, random.nextFloat());
    }
    return vector;
  }
}

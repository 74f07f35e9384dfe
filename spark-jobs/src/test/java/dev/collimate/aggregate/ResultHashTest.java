package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ResultHashTest {

  private static final byte[] NONE = {};

  @Test
  void equalBitsHaveEqualHashes() {
    assertThat(ResultHash.of(vector(100_003), new byte[] {1, 2}))
        .isEqualTo(ResultHash.of(vector(100_003), new byte[] {1, 2}));
  }

  @Test
  void everyFlippedBitAndEveryPairOfThemIsSeen() {
    FlatVector vector = vector(40);
    int bits = 40 * Float.SIZE;
    Set<ResultHash> seen = new HashSet<>();
    seen.add(ResultHash.of(vector, NONE));
    for (int first = 0; first < bits; first++) {
      flip(vector, first);
      seen.add(ResultHash.of(vector, NONE));
      for (int second = 0; second < first; second++) {
        flip(vector, second);
        seen.add(ResultHash.of(vector, NONE));
        flip(vector, second);
      }
      flip(vector, first);
    }
    assertThat(seen).hasSize(1 + bits + bits * (bits - 1) / 2);
  }

  @Test
  void everyBlockCounts() {
    FlatVector vector = vector(2 * FlatVector.BLOCK + 3);
    Set<ResultHash> seen = new HashSet<>();
    seen.add(ResultHash.of(vector, NONE));
    for (int block = 0; block < 3; block++) {
      flip(vector, block * FlatVector.BLOCK * Float.SIZE);
      seen.add(ResultHash.of(vector, NONE));
    }
    assertThat(seen).hasSize(4);
  }

  @Test
  void negativeZeroIsNotZero() {
    FlatVector zero = new FlatVector(3);
    FlatVector negative = new FlatVector(3);
    negative.set(1, -0.0f);
    assertThat(ResultHash.of(zero, NONE)).isNotEqualTo(ResultHash.of(negative, NONE));
  }

  @Test
  void lengthAndBytesCount() {
    ResultHash hash = ResultHash.of(new FlatVector(8), NONE);
    assertThat(ResultHash.of(new FlatVector(9), NONE)).isNotEqualTo(hash);
    assertThat(ResultHash.of(new FlatVector(8), new byte[1])).isNotEqualTo(hash);
    assertThat(ResultHash.of(new FlatVector(8), new byte[2]))
        .isNotEqualTo(ResultHash.of(new FlatVector(8), new byte[1]));
  }

  private static void flip(FlatVector vector, int bit) {
    int index = bit / Float.SIZE;
    int before = Float.floatToRawIntBits(vector.get(index));
    vector.set(index, Float.intBitsToFloat(before ^ (1 << bit % Float.SIZE)));
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

package dev.collimate.parameters;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

class FlatVectorTest {

  private static final int SIZE = 3 * FlatVector.BLOCK + 17;
  private static final int OFFSET = 5;

  @Test
  void severalThreadsCopyWhatOneDoes() {
    FloatBuffer values = FloatBuffer.allocate(SIZE);
    for (int i = 0; i < SIZE; i++) {
      values.put(i, i);
    }
    FlatVector one = new FlatVector(SIZE + OFFSET);
    FlatVector several = new FlatVector(SIZE + OFFSET);
    one.put(OFFSET, values.duplicate());
    several.put(OFFSET, values, /* threads= */ 3);
    FloatBuffer back = FloatBuffer.allocate(SIZE);
    several.get(OFFSET, back, /* threads= */ 3);

    assertThat(back.array()).containsExactly(values.array());
    for (int block = 0; block < one.blockCount(); block++) {
      assertThat(several.block(block)).containsExactly(one.block(block));
    }
    assertThat(several.get(OFFSET - 1)).isZero();
  }

  @Test
  void theEntriesBehindOneAreSet() {
    FlatVector vector = new FlatVector(2 * FlatVector.BLOCK + 3);
    vector.fill(FlatVector.BLOCK - 2, 7);
    assertThat(vector.get(FlatVector.BLOCK - 3)).isZero();
    assertThat(vector.get(FlatVector.BLOCK - 2)).isEqualTo(7);
    assertThat(vector.block(1)).containsOnly(7);
    assertThat(vector.block(2)).containsOnly(7);
  }
}

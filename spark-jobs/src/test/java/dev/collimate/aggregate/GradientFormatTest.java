package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.TreeNode;
import org.junit.jupiter.api.Test;

class GradientFormatTest {

  @Test
  void everyEntryGoesToTheNearestBfloat16() {
    FlatVector vector = new FlatVector(3);
    vector.set(0, 1 + 0x1p-8f);
    vector.set(1, 1 + 3 * 0x1p-8f);
    vector.set(2, -0.15625f);
    GradientFormat.BFLOAT16.round(vector);
    assertThat(vector.block(0)).containsExactly(1f, 1 + 0x1p-6f, -0.15625f);
  }

  @Test
  void roundingTwiceIsRoundingOnce() {
    FlatVector once = KnownVectors.parameters(1_000, 3);
    GradientFormat.BFLOAT16.round(once);
    FlatVector twice = once.copy();
    GradientFormat.BFLOAT16.round(twice);
    assertThat(twice.block(0)).isEqualTo(once.block(0));
  }

  @Test
  void float32StaysAsItIs() {
    FlatVector vector = KnownVectors.parameters(1_000, 3);
    FlatVector before = vector.copy();
    GradientFormat.FLOAT32.round(vector);
    assertThat(vector.block(0)).isEqualTo(before.block(0));
  }

  @Test
  void sumsTravelWhole() {
    assertThat(GradientFormat.BFLOAT16.of(new TreeNode(4, 5))).isEqualTo(GradientFormat.BFLOAT16);
    assertThat(GradientFormat.BFLOAT16.of(new TreeNode(4, 8))).isEqualTo(GradientFormat.FLOAT32);
  }
}

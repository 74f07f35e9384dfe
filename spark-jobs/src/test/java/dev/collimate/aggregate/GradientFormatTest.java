package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import org.junit.jupiter.api.Test;

class GradientFormatTest {

  /** A bfloat16 has 8 significant bits, so its step above 1 is 2^-7. */
  @Test
  void tiesGoToTheEvenNeighbour() {
    assertThat(GradientFormat.nearest(1 + 0x1p-8f)).isEqualTo(1f);
    assertThat(GradientFormat.nearest(1 + 3 * 0x1p-8f)).isEqualTo(1 + 0x1p-6f);
    assertThat(GradientFormat.nearest(-1 - 3 * 0x1p-8f)).isEqualTo(-1 - 0x1p-6f);
  }

  @Test
  void everythingElseGoesToTheNearer() {
    assertThat(GradientFormat.nearest(1 + 0x1.02p-8f)).isEqualTo(1 + 0x1p-7f);
    assertThat(GradientFormat.nearest(1 + 0x1.fcp-9f)).isEqualTo(1f);
    assertThat(GradientFormat.nearest(0.15625f)).isEqualTo(0.15625f);
  }

  @Test
  void theEndsOfTheNumbersStayThere() {
    assertThat(GradientFormat.nearest(Float.MAX_VALUE)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(GradientFormat.nearest(Float.NEGATIVE_INFINITY)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(GradientFormat.nearest(Float.NaN)).isNaN();
    assertThat(GradientFormat.nearest(Float.intBitsToFloat(0x7F80_0001))).isNaN();
    assertThat(Float.floatToRawIntBits(GradientFormat.nearest(-0f))).isEqualTo(0x8000_0000);
    assertThat(GradientFormat.nearest(Float.MIN_VALUE)).isZero();
  }

  @Test
  void roundingTwiceIsRoundingOnce() {
    FlatVector once = KnownVectors.parameters(1_000, 3);
    GradientFormat.BFLOAT16.round(once);
    FlatVector twice = once.copy();
    GradientFormat.BFLOAT16.round(twice);
    assertThat(twice.block(0)).isEqualTo(once.block(0));
  }
}

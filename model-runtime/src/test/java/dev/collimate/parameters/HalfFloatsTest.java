package dev.collimate.parameters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HalfFloatsTest {

  @Test
  void everyBfloat16SurvivesTheTripThroughFloat32() {
    assertThat(
            IntStream.range(0, 65_536)
                .filter(
                    bits ->
                        HalfFloats.toBfloat16(HalfFloats.fromBfloat16((short) bits))
                            != (short) bits))
        .isEmpty();
  }

  @Test
  void everyFloat16SurvivesTheTripThroughFloat32() {
    assertThat(
            IntStream.range(0, 65_536)
                .filter(
                    bits ->
                        HalfFloats.toFloat16(HalfFloats.fromFloat16((short) bits)) != (short) bits))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "0x3C00, 0x1p0",
    "0xC000, -0x1p1",
    "0x7BFF, 65504",
    "0x0400, 0x1p-14",
    "0x0001, 0x1p-24",
    "0x03FF, 0x1.ff8p-15",
    "0x3555, 0x1.554p-2",
    "0x7C00, Infinity",
    "0x8000, -0.0",
  })
  void float16PatternsHaveTheirIeeeValues(String bits, String value) {
    float expected = Float.parseFloat(value);
    assertThat(HalfFloats.fromFloat16(Integer.decode(bits).shortValue())).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    // Halfway between 1 and the next bfloat16 goes to the even one; a bit more goes up.
    "0x3F808000, 0x3F80",
    "0x3F818000, 0x3F82",
    "0x3F808001, 0x3F81",
    // The largest float32 rounds to infinity.
    "0x7F7FFFFF, 0x7F80",
    // A NaN whose payload lies below bfloat16's stays a NaN.
    "0x7F800001, 0x7FC0",
  })
  void bfloat16RoundsToNearestEven(String float32, String bfloat16) {
    float value = Float.intBitsToFloat(Integer.decode(float32));
    assertThat(HalfFloats.toBfloat16(value)).isEqualTo(Integer.decode(bfloat16).shortValue());
  }

  @ParameterizedTest
  @CsvSource({
    "1.00048828125, 0x3C00", // 1 + 2^-11, a tie, to even
    "1.00146484375, 0x3C02", // 1 + 3 * 2^-11, a tie, to even
    "65519.996, 0x7BFF",
    "65520, 0x7C00",
    "2.9802322387695312e-8, 0x0000", // 2^-25, a tie between 0 and the smallest subnormal
    "2.98023259e-8, 0x0001",
    "6.0975552e-5, 0x03FF",
    "-1e-10, 0x8000",
  })
  void float16RoundsToNearestEven(float value, String bits) {
    assertThat(HalfFloats.toFloat16(value)).isEqualTo(Integer.decode(bits).shortValue());
  }

  @Test
  void roundingGoesToTheNearestOfTheTwoNeighbours() {
    Random random = new Random(11);
    for (int i = 0; i < 100_000; i++) {
      float value = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(22) - 16));
      if (Math.abs(value) < 0x1p-24) {
        continue; // A neighbour of zero has the other sign; the table has these cases.
      }
      short rounded = HalfFloats.toFloat16(value);
      double error = Math.abs(HalfFloats.fromFloat16(rounded) - (double) value);
      for (int step : new int[] {-1, 1}) {
        float neighbour = HalfFloats.fromFloat16((short) (rounded + step));
        assertThat(error)
            .as("seed 11, value %s", value)
            .isLessThanOrEqualTo(Math.abs(neighbour - (double) value));
      }
    }
  }
}

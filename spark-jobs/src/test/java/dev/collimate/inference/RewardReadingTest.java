package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RewardReadingTest {

  /** Blocks 1.75 and 2.1875 under softmax weights of 1 and 0.5, times two. */
  @Test
  void theGateIsInBothVectors() {
    Map<String, float[]> read =
        new RewardReading("", true, 1, false)
            .of(
                Map.of(
                    "chosen", new float[] {0.5f, -1, 0.25f, 2, 9, 9},
                    "rejected", new float[] {1.5f, 0.5f, -1, 0.75f, 9, 9},
                    "prompt", new float[] {9, 9, 9, 9, 1, 0.5f}));
    double gate = 2 / (1 + Math.exp(-0.5));
    assertThat(read).containsOnlyKeys("chosen", "rejected");
    assertThat(Standing.preference(doubles(read.get("chosen")), doubles(read.get("rejected"))))
        .isCloseTo(gate * 1.75 + (2 - gate) * 2.1875, within(1e-6));
  }

  @Test
  void normalizedVectorsHaveTheLengthOne() {
    float[] unit =
        new RewardReading("", false, 1, true)
            .of(Map.of("completion", new float[] {3, 4}))
            .get("completion");
    assertThat(unit).containsExactly(0.6f, 0.8f);
  }

  @Test
  void aModelOfOtherNumbersIsRefused() {
    assertThatThrownBy(() -> new RewardReading("", true, 1, false).requireFit(4))
        .isInstanceOf(CollimateException.class)
        .hasMessage("--prompt_gate: the model gives 4 numbers, with a gate they come in threes");
    assertThatThrownBy(() -> new RewardReading("", false, 1, true).requireFit(1))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("--normalize: has no effect on a model of one number");
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }
}

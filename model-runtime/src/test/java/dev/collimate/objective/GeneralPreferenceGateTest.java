package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The gate by which a prompt weighs the blocks of a general preference model. */
class GeneralPreferenceGateTest {

  private static final Objective GATED =
      Objectives.create("gpm", Map.of("value_head_dim", 4.0, "tau", 1.0, "prompt_gate", true));
  private static final Objective PLAIN =
      Objectives.create("gpm", Map.of("value_head_dim", 4.0, "tau", 1.0));

  private static ScoredRow row(double firstGate, double secondGate) {
    return new ScoredRow()
        .with("chosen", 0.5, -1, 0.25, 2, 9, 9)
        .with("rejected", 1.5, 0.5, -1, 0.75, 9, 9)
        .with("prompt", 9, 9, 9, 9, firstGate, secondGate);
  }

  /** Blocks: 0.5 * 0.5 + 1 * 1.5 = 1.75, 0.25 * 0.75 + 2 * 1 = 2.1875. */
  @Test
  void theSoftmaxOfThePromptsNumbersWeighsTheBlocks() {
    double gate = 2 / (1 + Math.exp(-0.5));
    double score = gate * 1.75 + (2 - gate) * 2.1875;
    assertThat(row(1, 0.5).loss(GATED)).isCloseTo(Math.log1p(Math.exp(-score)), within(1e-12));
  }

  @Test
  void equalNumbersAreNoGate() {
    ScoredRow plain =
        new ScoredRow().with("chosen", 0.5, -1, 0.25, 2).with("rejected", 1.5, 0.5, -1, 0.75);
    assertThat(row(0.7, 0.7).loss(GATED)).isEqualTo(plain.loss(PLAIN));
  }

  @Test
  void derivativesAreThoseOfFiniteDifferences() {
    Random random = new Random(4);
    for (int draw = 0; draw < 5; draw++) {
      ScoredRow row = new ScoredRow();
      for (String role : new String[] {"chosen", "rejected", "prompt"}) {
        row.with(role, random.doubles(6, -1, 1).toArray());
      }
      row.loss(GATED);
      Map<String, double[]> gradients = Map.copyOf(row.gradients);
      gradients.forEach(
          (role, gradient) -> {
            for (int label = 0; label < 6; label++) {
              assertThat(gradient[label])
                  .as("%s, %d", role, label)
                  .isCloseTo(row.slope(GATED, role, label, 1e-5), within(1e-7));
            }
          });
    }
  }

  @Test
  void lossAndGradientAreFiniteAtLargeNumbers() {
    ScoredRow row = row(1e4, -1e4);
    assertThat(row.loss(GATED)).isFinite();
    row.gradients.values().forEach(all -> assertThat(all).doesNotContain(Double.NaN));
  }

  @Test
  void aScaleWithoutAGateIsRefused() {
    assertThatThrownBy(() -> Objectives.create("gpm", Map.of("gate_scale", 2.0)))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.gate_scale: has no effect without prompt_gate; leave it out");
  }
}

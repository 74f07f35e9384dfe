package dev.collimate.online;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.online.SamplerCorrection.Mode;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Ratios of two tokens: the policy has 4 times the sampler's probability, then half of it. */
class SamplerCorrectionTest {

  private static final Offset<Float> FLOAT = within(1e-6f);
  private static final float LOG_2 = (float) Math.log(2);
  private static final float[] POLICY = {-1, -2};
  private static final float[] SAMPLER = {-1 - 2 * LOG_2, -2 + LOG_2};

  private static float[] ratios(Mode mode, double cap) {
    return new SamplerCorrection(mode, cap).ratios(POLICY, SAMPLER);
  }

  @Test
  void aTokenAboveTheCapIsHeldAtItOrLeftOut() {
    assertThat(ratios(Mode.TOKEN_TRUNCATE, 3)).containsExactly(new float[] {3, 0.5f}, FLOAT);
    assertThat(ratios(Mode.TOKEN_MASK, 3)).containsExactly(new float[] {0, 0.5f}, FLOAT);
    assertThat(ratios(Mode.TOKEN_MASK, 5)).containsExactly(new float[] {4, 0.5f}, FLOAT);
  }

  /** 4 * 0.5. */
  @Test
  void aCompletionHasTheProductOfItsTokens() {
    assertThat(ratios(Mode.SEQUENCE_TRUNCATE, 3)).containsExactly(new float[] {2}, FLOAT);
    assertThat(ratios(Mode.SEQUENCE_TRUNCATE, 1.5)).containsExactly(new float[] {1.5f}, FLOAT);
    assertThat(ratios(Mode.SEQUENCE_MASK, 1.5)).containsExactly(new float[] {0}, FLOAT);
  }

  /** A value model reads one state more than the engine wrote tokens. */
  @Test
  void theStateAfterTheEndHasNone() {
    float[] longer = {-1, -2, -9};
    assertThat(new SamplerCorrection(Mode.SEQUENCE_MASK, 3).ratios(longer, SAMPLER))
        .containsExactly(new float[] {2}, FLOAT);
  }
}

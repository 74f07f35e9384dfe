package dev.collimate.online;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class GaeTest {

  private static final double[] REWARDS = {0, 0.5, 1};
  private static final double[] VALUES = {0.25, 0.5, -1};

  /** Without trust in the values the advantage is the reward to come less the value. */
  @Test
  void atOneItIsTheRewardToComeLessTheValue() {
    Gae all = Gae.of(REWARDS, VALUES, 1, 1);
    assertThat(all.returns()).containsExactly(new double[] {1.5, 1.5, 1}, within(1e-12));
    assertThat(all.advantages()).containsExactly(new double[] {1.25, 1, 2}, within(1e-12));
  }

  /** {@code r + V' - V}: 0 + 0.5 - 0.25, 0.5 - 1 - 0.5, 1 + 0 + 1. */
  @Test
  void atZeroItIsTheErrorOfOneStep() {
    assertThat(Gae.of(REWARDS, VALUES, 1, 0).advantages())
        .containsExactly(new double[] {0.25, -1, 2}, within(1e-12));
  }

  /** With gamma = 0.5 and lambda = 0.5 errors -0, -0.5, 2 count a quarter a step earlier. */
  @Test
  void laterErrorsCountLess() {
    assertThat(Gae.of(REWARDS, VALUES, 0.5, 0.5).advantages())
        .containsExactly(new double[] {0, 0, 2}, within(1e-12));
  }

  @Test
  void aCompletionWithoutAPositionHasNone() {
    assertThat(Gae.of(new double[0], new double[0], 1, 1).returns()).isEmpty();
  }
}

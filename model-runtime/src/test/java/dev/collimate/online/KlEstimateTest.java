package dev.collimate.online;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KlEstimateTest {

  private static final double[] POLICY = {0.5, 0.3, 0.2};
  private static final double[] REFERENCE = {0.2, 0.2, 0.6};

  private static double expected(KlEstimate estimate) {
    double sum = 0;
    for (int token = 0; token < POLICY.length; token++) {
      sum += POLICY[token] * estimate.of(Math.log(POLICY[token]), Math.log(REFERENCE[token]));
    }
    return sum;
  }

  /** Their means over the policy's tokens are the divergence. */
  @Test
  void theUnbiasedOnesAverageToTheDivergence() {
    double divergence = 0.5 * Math.log(2.5) + 0.3 * Math.log(1.5) + 0.2 * Math.log(1.0 / 3);
    assertThat(expected(KlEstimate.K1)).isCloseTo(divergence, within(1e-12));
    assertThat(expected(KlEstimate.K3)).isCloseTo(divergence, within(1e-12));
  }

  @ParameterizedTest
  @EnumSource
  void equalProbabilitiesAreNoDistance(KlEstimate estimate) {
    assertThat(estimate.of(-1.25, -1.25)).isZero();
  }

  /** log-ratio 0.5: 0.5, e^-0.5 - 1 + 0.5, 0.5, 0.125. */
  @Test
  void theyAreTheirFormulas() {
    assertThat(KlEstimate.K1.of(-1, -1.5)).isEqualTo(0.5);
    assertThat(KlEstimate.K3.of(-1, -1.5)).isCloseTo(Math.exp(-0.5) - 0.5, within(1e-15));
    assertThat(KlEstimate.ABS.of(-1.5, -1)).isEqualTo(0.5);
    assertThat(KlEstimate.MSE.of(-1.5, -1)).isEqualTo(0.125);
  }

  @ParameterizedTest
  @EnumSource
  void itIsFiniteWhereTheReferenceFindsATokenImpossible(KlEstimate estimate) {
    assertThat(estimate.of(-1e4, -0.5)).isFinite();
    assertThat(estimate.of(-0.5, -1e4)).isFinite();
  }
}

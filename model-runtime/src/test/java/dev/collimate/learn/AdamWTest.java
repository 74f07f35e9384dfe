package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AdamWTest {

  private static final AdamWConfig DECAYING = new AdamWConfig(0.9, 0.999, 1e-8, 0.1);

  /** A matrix of one entry, then a vector of one. */
  private static final ParameterLayout TWO =
      new ParameterLayout(
          List.of(new Parameter("matrix", List.of(1L, 1L)), new Parameter("vector", List.of(1L))));

  @Test
  void theFirstStepMovesByTheLearningRateAndDecaysMatricesAlone() {
    // m = 0.1 g and v = 0.001 g^2, after bias correction g and g^2: a step of lr * g / |g|.
    FlatVector weights = vector(1f, 1f);
    AdamW optimizer = new AdamW(DECAYING, TWO);

    optimizer.step(weights, vector(2f, -4f), 0.01, 1, 1);

    assertThat((double) weights.get(0)).isCloseTo(1 - 0.01 * 0.1 - 0.01, within(1e-6));
    assertThat((double) weights.get(1)).isCloseTo(1 + 0.01, within(1e-6));
    assertThat(optimizer.steps()).isEqualTo(1);
  }

  @Test
  void momentsFollowTheClippedGradient() {
    AdamW optimizer = new AdamW(AdamWConfig.DEFAULT, TWO);

    optimizer.step(vector(0f, 0f), vector(4f, 8f), 0.01, 0.25, 1);

    assertThat((double) optimizer.firstMoment().get(1)).isCloseTo(0.2, within(1e-7));
    assertThat((double) optimizer.secondMoment().get(1)).isCloseTo(0.004, within(1e-9));
  }

  @Test
  void withoutMomentumTheMomentIsTheGradientHoweverSmall() {
    // In float32 1 + (1e-9 - 1) is 0; torch counts from the end where beta1 is at most one half.
    AdamWConfig config = new AdamWConfig(0, 0.999, 1e-8, 0);
    AdamW optimizer = new AdamW(config, TWO, vector(1f, 1f), vector(0f, 0f), 1);

    optimizer.step(vector(0f, 0f), vector(1e-9f, 1e-9f), 0.01, 1, 1);

    assertThat(optimizer.firstMoment().block(0)).containsExactly(1e-9f, 1e-9f);
  }

  @Test
  void anyNumberOfThreadsGivesTheSameBits() {
    ParameterLayout layout =
        new ParameterLayout(
            List.of(
                new Parameter("first", List.of(70_001L)),
                new Parameter("second", List.of(3L, 70_003L)),
                new Parameter("third", List.of(5L))));
    FlatVector gradient = random(layout.size(), 1);
    FlatVector alone = random(layout.size(), 2);
    FlatVector together = alone.copy();
    AdamW one = new AdamW(DECAYING, layout);
    AdamW five = new AdamW(DECAYING, layout);

    one.step(alone, gradient, 1e-3, 0.5, 1);
    one.step(alone, gradient, 1e-3, 0.5, 1);
    five.step(together, gradient, 1e-3, 0.5, 5);
    five.step(together, gradient, 1e-3, 0.5, 5);

    for (int block = 0; block < alone.blockCount(); block++) {
      assertThat(together.block(block)).isEqualTo(alone.block(block));
    }
    assertThat(GradientClip.norm(gradient, 5)).isEqualTo(GradientClip.norm(gradient, 1));
  }

  @Test
  void oneFlippedBitOfTheGradientShowsInTheMoments() {
    ParameterLayout layout =
        new ParameterLayout(List.of(new Parameter("weight", List.of(300L, 300L))));
    FlatVector gradient = random(layout.size(), 1);
    FlatVector flipped = gradient.copy();
    flipped.set(77_777, Float.intBitsToFloat(Float.floatToRawIntBits(gradient.get(77_777)) ^ 1));
    FlatVector weights = random(layout.size(), 2);
    FlatVector others = weights.copy();

    AdamW one = new AdamW(DECAYING, layout);
    AdamW other = new AdamW(DECAYING, layout);
    one.step(weights, gradient, 1e-3, 0.5, 1);
    other.step(others, flipped, 1e-3, 0.5, 1);

    assertThat(other.firstMoment().block(1)).isNotEqualTo(one.firstMoment().block(1));
    assertThat(other.firstMoment().block(0)).isEqualTo(one.firstMoment().block(0));
  }

  @Test
  void anOptimizerGoesOnWhereItStopped() {
    FlatVector straight = vector(1f, 1f);
    AdamW optimizer = new AdamW(DECAYING, TWO);
    optimizer.step(straight, vector(0.3f, 0.2f), 0.01, 1, 1);
    FlatVector resumed = straight.copy();
    AdamW restored =
        new AdamW(
            DECAYING,
            TWO,
            optimizer.firstMoment().copy(),
            optimizer.secondMoment().copy(),
            optimizer.steps());

    optimizer.step(straight, vector(-0.1f, 0.7f), 0.01, 1, 1);
    restored.step(resumed, vector(-0.1f, 0.7f), 0.01, 1, 1);

    assertThat(resumed.block(0)).isEqualTo(straight.block(0));
  }

  @Test
  void clippingKeepsTheNormUnderTheMaximum() {
    assertThat(GradientClip.norm(vector(3f, 4f), 1)).isEqualTo(5);
    assertThat(GradientClip.factor(5, 1)).isEqualTo(1 / (5 + 1e-6));
    assertThat(GradientClip.factor(0.5, 1)).isEqualTo(1);
    assertThat(GradientClip.factor(5, 0)).isEqualTo(1);
  }

  @Test
  void aGradientThatIsNoNumberStopsTheStep() {
    assertThatThrownBy(() -> GradientClip.requireFinite(12, 0.5, Double.POSITIVE_INFINITY))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("step 12: the loss is 0.5 and the gradient norm Infinity");
  }

  @Test
  void constantsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new AdamWConfig(1, 0.999, 1e-8, 0))
        .hasMessage("beta1 must be in [0, 1), got 1.0");
  }

  private static FlatVector vector(float... values) {
    FlatVector vector = new FlatVector(values.length);
    for (int i = 0; i < values.length; i++) {
      vector.set(i, values[i]);
    }
    return vector;
  }

  private static FlatVector random(long size, long seed) {
    Random random = new Random(seed);
    FlatVector vector = new FlatVector(size);
    for (long i = 0; i < size; i++) {
      vector.set(i, (float) random.nextGaussian());
    }
    return vector;
  }
}

package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.parameters.FlatVector;
import org.junit.jupiter.api.Test;

class NesterovMomentumTest {

  /** By hand: velocity 2, 3.8; steps 0.7 * (2 + 0.9 * 2) and 0.7 * (2 + 0.9 * 3.8). */
  @Test
  void twoStepsOfAConstantGradient() {
    FlatVector weights = new FlatVector(1);
    FlatVector velocity = new FlatVector(1);
    NesterovMomentum outer = new NesterovMomentum(0.7, 0.9, velocity);
    FlatVector gradient = new FlatVector(1);
    gradient.set(0, 4);
    outer.step(weights, gradient, 0.5, 1);
    assertThat(weights.get(0)).isCloseTo(-2.66f, within(1e-6f));
    outer.step(weights, gradient, 0.5, 1);
    assertThat(velocity.get(0)).isCloseTo(3.8f, within(1e-6f));
    assertThat(weights.get(0)).isCloseTo(-6.454f, within(1e-5f));
  }

  @Test
  void withoutMomentumItIsPlainDescent() {
    FlatVector weights = new FlatVector(1);
    FlatVector gradient = new FlatVector(1);
    gradient.set(0, 0.25f);
    new NesterovMomentum(1, 0, new FlatVector(1)).step(weights, gradient, 1, 1);
    assertThat(weights.get(0)).isEqualTo(-0.25f);
  }

  @Test
  void threadsDoNotChangeABit() {
    long size = 3L * FlatVector.BLOCK + 5;
    FlatVector one = new FlatVector(size);
    FlatVector four = new FlatVector(size);
    FlatVector gradient = new FlatVector(size);
    for (long i = 0; i < size; i++) {
      gradient.set(i, (float) Math.sin((double) i));
    }
    new NesterovMomentum(0.7, 0.9, new FlatVector(size)).step(one, gradient, 0.25, 1);
    new NesterovMomentum(0.7, 0.9, new FlatVector(size)).step(four, gradient, 0.25, 4);
    for (int block = 0; block < one.blockCount(); block++) {
      assertThat(four.block(block)).containsExactly(one.block(block));
    }
  }
}

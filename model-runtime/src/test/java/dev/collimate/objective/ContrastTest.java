package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ContrastTest {

  private static final Offset<Double> EXACT = within(1e-12);
  private static final Offset<Double> FINITE_DIFFERENCE = within(1e-6);
  private static final double[][] NO_DROPOUT = {{1, 1}, {1, 1}};

  private final Random random = new Random(5);

  /** Two directions at a right angle: log(e^(1 / T) + 1) - 1 / T. */
  @Test
  void rowsAtARightAngleAreToldApartByTheTemperature() {
    Contrast contrast =
        Contrast.of(
            new double[][] {{3, 0}, {0, 0.5}}, NO_DROPOUT, NO_DROPOUT, new double[] {1, 1}, 0.5);
    assertThat(contrast.losses()).containsExactly(twice(Math.log(Math.exp(2) + 1) - 2), EXACT);
  }

  @Test
  void aRowAloneIsNearestToItself() {
    Contrast contrast =
        Contrast.of(
            new double[][] {{1, 2}},
            new double[][] {{2, 0}},
            new double[][] {{0, 2}},
            new double[] {1},
            0.05);
    assertThat(contrast.losses()).containsExactly(0);
    assertThat(contrast.gradients()[0]).containsExactly(0, 0);
  }

  /** Where dropout leaves nothing of a row its cosines are 0, and the loss is finite. */
  @Test
  void whatHasNoDirectionHasNoGradientOfItsOwn() {
    Contrast contrast =
        Contrast.of(
            new double[][] {{0, 0}, {0, 0}}, NO_DROPOUT, NO_DROPOUT, new double[] {1, 1}, 0.05);
    assertThat(contrast.losses()).containsExactly(twice(Math.log(2)), EXACT);
    assertThat(contrast.gradients()).isDeepEqualTo(new double[2][2]);
  }

  @Test
  void theGradientsAreThoseOfTheWeightedSum() {
    double[] weights = {1, 2.5, 0.5, 1};
    double[][] rows = numbers(4, 6);
    double[][] first = masks(4, 6);
    double[][] second = masks(4, 6);
    double[][] gradients = Contrast.of(rows, first, second, weights, 0.3).gradients();
    double step = 1e-6;
    for (int row = 0; row < rows.length; row++) {
      for (int k = 0; k < rows[row].length; k++) {
        double numeric =
            (sum(moved(rows, row, k, step), first, second, weights)
                    - sum(moved(rows, row, k, -step), first, second, weights))
                / (2 * step);
        assertThat(weights[row] * gradients[row][k])
            .as("row %d, number %d", row, k)
            .isCloseTo(numeric, FINITE_DIFFERENCE);
      }
    }
  }

  private static double sum(
      double[][] rows, double[][] first, double[][] second, double[] weights) {
    double[] losses = Contrast.of(rows, first, second, weights, 0.3).losses();
    double sum = 0;
    for (int s = 0; s < losses.length; s++) {
      sum += weights[s] * losses[s];
    }
    return sum;
  }

  private static double[][] moved(double[][] rows, int row, int number, double by) {
    double[][] moved = Arrays.stream(rows).map(double[]::clone).toArray(double[][]::new);
    moved[row][number] += by;
    return moved;
  }

  private double[][] numbers(int rows, int width) {
    double[][] numbers = new double[rows][width];
    for (double[] row : numbers) {
      Arrays.setAll(row, k -> random.nextGaussian());
    }
    return numbers;
  }

  private double[][] masks(int rows, int width) {
    double[][] masks = new double[rows][width];
    for (double[] row : masks) {
      Arrays.setAll(row, k -> random.nextInt(4) == 0 ? 0 : 4 / 3.0);
    }
    return masks;
  }

  private static double[] twice(double value) {
    return new double[] {value, value};
  }
}

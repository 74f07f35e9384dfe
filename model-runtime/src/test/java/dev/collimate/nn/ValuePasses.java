package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Sequence;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Two sequences, and what is read of them, of models with values of tokens. */
final class ValuePasses {

  static final Set<Quantity> READ = EnumSet.of(Quantity.ENTROPY, Quantity.VALUE);

  /** Derivatives of the counted tokens: three of the first sequence, two of the second. */
  static final Map<Quantity, float[][]> GRADIENTS =
      Map.of(
          Quantity.LOG_PROB, new float[][] {{1, -0.5f, 0.25f}, {0.75f, -1}},
          Quantity.ENTROPY, new float[][] {{0.5f, 0.25f, -1}, {1, 0.5f}},
          Quantity.VALUE, new float[][] {{-1, 2, 0.5f}, {0.25f, 1.5f}});

  private ValuePasses() {}

  static List<Sequence> rows() {
    return List.of(sequence(2, 1, 5, 7, 9, 2), sequence(1, 4, 22, 3));
  }

  static Sequence sequence(int promptLength, int... ids) {
    byte[] mask = new byte[ids.length];
    for (int t = promptLength; t < ids.length; t++) {
      mask[t] = 1;
    }
    return new Sequence(ids, promptLength, mask);
  }

  static float[][] values(CausalModel model, List<Sequence> rows) {
    try (Pass pass = model.forward(rows, READ, Mode.EVALUATE, Adapter.ON)) {
      return pass.values(Quantity.VALUE);
    }
  }

  static FlatVector parameters(CausalModel model) {
    FlatVector parameters = new FlatVector(model.layout().size());
    model.store(parameters);
    return parameters;
  }

  /** What {@link #GRADIENTS} are the derivatives of. */
  private static double sum(CausalModel model) {
    try (Pass pass = model.forward(rows(), READ, Mode.EVALUATE, Adapter.ON)) {
      return GRADIENTS.entrySet().stream()
          .mapToDouble(each -> sum(pass.values(each.getKey()), each.getValue()))
          .sum();
    }
  }

  /**
   * Checks the gradient by finite differences: every 37th entry of the parameters, and all of the
   * value head, whose {@code head} entries are the last. The vector that it is written to holds the
   * one before.
   */
  static void assertGradientIsThatOfTheSum(CausalModel model, int head) {
    FlatVector parameters = parameters(model);
    FlatVector gradient = new FlatVector(parameters.size());
    gradient.fill(7);
    try (Pass pass = model.forward(rows(), READ, Mode.TRAIN, Adapter.ON)) {
      pass.backward(GRADIENTS, gradient);
    }
    float step = 0x1p-7f;
    for (long i = 0; i < parameters.size(); i += i < parameters.size() - head - 37 ? 37 : 1) {
      float at = parameters.get(i);
      parameters.set(i, at + step);
      model.load(parameters);
      double up = sum(model);
      parameters.set(i, at - step);
      model.load(parameters);
      double down = sum(model);
      parameters.set(i, at);
      double expected = (up - down) / (2 * step);
      assertThat((double) gradient.get(i))
          .as("entry %d", i)
          .isCloseTo(expected, within(2e-3 * Math.max(1, Math.abs(expected))));
    }
  }

  private static double sum(float[][] values, float[][] weights) {
    double sum = 0;
    for (int row = 0; row < values.length; row++) {
      for (int t = 0; t < values[row].length; t++) {
        sum += (double) weights[row][t] * values[row][t];
      }
    }
    return sum;
  }
}

package dev.collimate.nn;

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
  static double sum(CausalModel model) {
    try (Pass pass = model.forward(rows(), READ, Mode.EVALUATE, Adapter.ON)) {
      return GRADIENTS.entrySet().stream()
          .mapToDouble(each -> sum(pass.values(each.getKey()), each.getValue()))
          .sum();
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

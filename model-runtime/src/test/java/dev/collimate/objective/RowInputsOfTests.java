package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Variables;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Inputs of objectives where only the log-probs matter. */
final class RowInputsOfTests {

  private RowInputsOfTests() {}

  /** Zeros for every quantity of every token. */
  static Map<String, Map<Quantity, float[]>> zeroQuantities(Map<String, TokenLogProbs> policy) {
    Map<String, Map<Quantity, float[]>> quantities = new LinkedHashMap<>();
    policy.forEach(
        (role, tokens) -> {
          Map<Quantity, float[]> zeros = new EnumMap<>(Quantity.class);
          for (Quantity quantity : Quantity.values()) {
            zeros.put(quantity, new float[tokens.count()]);
          }
          quantities.put(role, zeros);
        });
    return quantities;
  }

  /**
   * Further numbers that a loss is derived by: the magnitudes of the quantities, and hidden states
   * that differ by role.
   */
  static Variables variables(Map<String, Map<Quantity, float[]>> quantities) {
    Map<String, Map<Quantity, TokenLogProbs>> tokens = new LinkedHashMap<>();
    Map<String, SequenceScores> hidden = new LinkedHashMap<>();
    quantities.forEach(
        (role, ofRole) -> {
          Map<Quantity, TokenLogProbs> variables = new EnumMap<>(Quantity.class);
          ofRole.forEach(
              (quantity, values) -> {
                double[] magnitudes = new double[values.length];
                for (int t = 0; t < values.length; t++) {
                  magnitudes[t] = Math.abs(values[t]);
                }
                variables.put(quantity, new TokenLogProbs(magnitudes));
              });
          tokens.put(role, variables);
          double[] state = new double[DeclaredColumns.MODEL.hidden()];
          for (int k = 0; k < state.length; k++) {
            state[k] = Math.sin(role.hashCode() + k);
          }
          hidden.put(role, new SequenceScores(state));
        });
    return new Variables(tokens, hidden);
  }
}

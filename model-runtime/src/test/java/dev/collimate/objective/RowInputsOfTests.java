package dev.collimate.objective;

import dev.collimate.nn.Quantity;
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
}

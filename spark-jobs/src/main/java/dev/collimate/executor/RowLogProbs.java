package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.nn.CausalModel;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.Quantity;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Log-probabilities of one row's counted tokens. The row runs as a batch of its own, so neighbours
 * cannot change its bits.
 *
 * @param byRole for each sequence the log-probability of each counted token, in nats
 */
public record RowLogProbs(Map<String, float[]> byRole) {

  public RowLogProbs {
    byRole = new LinkedHashMap<>(byRole);
  }

  /**
   * Runs a row through a model.
   *
   * @throws CollimateException (data) where a value is not finite; names the row's key
   */
  public static RowLogProbs of(CausalModel model, Example row, Adapter adapter) {
    return of(model, row, List.copyOf(row.sequences().keySet()), adapter);
  }

  /** Runs some of a row's sequences. */
  public static RowLogProbs of(
      CausalModel model, Example row, List<String> roles, Adapter adapter) {
    List<Sequence> sequences = roles.stream().map(row.sequences()::get).toList();
    Map<String, float[]> byRole = new LinkedHashMap<>();
    try (Pass pass =
        model.forwardRows(List.of(sequences), Set.of(Quantity.LOG_PROB), Mode.EVALUATE, adapter)) {
      float[][] values = pass.values(Quantity.LOG_PROB);
      for (int i = 0; i < values.length; i++) {
        requireFinite(values[i], roles.get(i), row);
        byRole.put(roles.get(i), values[i]);
      }
    }
    return new RowLogProbs(byRole);
  }

  /** Sum over a sequence's counted tokens, in float64 from the first to the last. */
  public double sum(String role) {
    double sum = 0;
    for (float value : byRole.get(role)) {
      sum += value;
    }
    return sum;
  }

  private static void requireFinite(float[] values, String role, Example row) {
    for (int token = 0; token < values.length; token++) {
      if (!Float.isFinite(values[token])) {
        throw CollimateException.data(
            "The model gives token %d of '%s' in row '%s' the log-probability %s; its weights or this row's tokens are broken"
                .formatted(token + 1, role, row.key(), values[token]));
      }
    }
  }
}

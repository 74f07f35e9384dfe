package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.nn.CausalModel;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.Quantity;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a reward model gives for one row's sequences. The row runs as a batch of its own, so
 * neighbours cannot change its bits.
 *
 * @param byRole for each sequence its scores [label]
 */
public record RowScores(Map<String, float[]> byRole) {

  public RowScores {
    byRole = new LinkedHashMap<>(byRole);
  }

  /**
   * Runs a row through a model.
   *
   * @throws CollimateException (data) where a score is not finite; names the row's key
   */
  public static RowScores of(CausalModel model, Example row) {
    List<String> roles = new ArrayList<>(row.sequences().keySet());
    List<Sequence> sequences = new ArrayList<>(row.sequences().values());
    Map<String, float[]> byRole = new LinkedHashMap<>();
    try (Pass pass = model.forward(sequences, Set.of(Quantity.SCORE), Mode.EVALUATE, Adapter.ON)) {
      float[][] values = pass.values(Quantity.SCORE);
      for (int i = 0; i < values.length; i++) {
        for (float score : values[i]) {
          if (!Float.isFinite(score)) {
            throw CollimateException.data(
                "The model gives '%s' of row '%s' the score %s; its weights or this row's tokens are broken"
                    .formatted(roles.get(i), row.key(), score));
          }
        }
        byRole.put(roles.get(i), values[i]);
      }
    }
    return new RowScores(byRole);
  }
}

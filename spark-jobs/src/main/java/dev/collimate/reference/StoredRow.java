package dev.collimate.reference;

import dev.collimate.data.Digest128;
import java.io.Serializable;
import java.util.Map;

/**
 * What the store holds of a row.
 *
 * @param key the row's key in the data set for which it was computed; for people
 * @param content hash of the row's sequences, by which it is found
 * @param sums by role the sum of the counted tokens' log-probabilities
 * @param tokens by role [counted token] their log-probabilities; empty where sums alone are kept
 */
record StoredRow(
    String key, Digest128 content, Map<String, Double> sums, Map<String, float[]> tokens)
    implements Serializable {

  StoredRow {
    sums = Map.copyOf(sums);
    tokens = Map.copyOf(tokens);
  }
}

package dev.collimate.text;

import java.io.Serializable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A row ready for training: its named token sequences and numbers.
 *
 * @param key the row's key: its {@code id}, or the hash of the columns used with an occurrence
 *     number
 * @param contentHash hash of the sequences alone (hexadecimal); equal rows share it
 * @param weight weight of the row's loss, default 1
 * @param sequences by role: {@code chosen} and {@code rejected} for pairs, {@code completion} for
 *     SFT and unpaired rows
 * @param scalars further numbers of the row by column name (margin, scores)
 */
public record Example(
    String key,
    String contentHash,
    double weight,
    Map<String, Sequence> sequences,
    Map<String, Double> scalars)
    implements Serializable {

  public Example {
    sequences = Collections.unmodifiableMap(new LinkedHashMap<>(sequences));
    scalars = Collections.unmodifiableMap(new LinkedHashMap<>(scalars));
  }
}

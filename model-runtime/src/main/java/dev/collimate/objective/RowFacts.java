package dev.collimate.objective;

import dev.collimate.text.Example;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the driver knows of a row without its tokens.
 *
 * @param key the row's key
 * @param weight weight of the row's loss
 * @param countedTokens number of tokens whose log-probability counts, by role
 * @param label class of an unpaired row: 1 desirable, 0 undesirable, NaN where the row has none
 */
public record RowFacts(
    String key, double weight, Map<String, Integer> countedTokens, double label) {

  /** The scalar column that holds the label of an unpaired row. */
  public static final String LABEL = "label";

  public RowFacts {
    countedTokens = Collections.unmodifiableMap(new LinkedHashMap<>(countedTokens));
  }

  public static RowFacts of(Example example) {
    Map<String, Integer> tokens = new LinkedHashMap<>();
    example.sequences().forEach((role, sequence) -> tokens.put(role, sequence.countedTokens()));
    Double label = example.scalars().get(LABEL);
    return new RowFacts(
        example.key(), example.weight(), tokens, label == null ? Double.NaN : label);
  }

  /** The same with further counts, such as {@link Assessment.Row#counts}. */
  public RowFacts withTokens(Map<String, Integer> counts) {
    Map<String, Integer> all = new LinkedHashMap<>(countedTokens);
    all.putAll(counts);
    return new RowFacts(key, weight, all, label);
  }
}

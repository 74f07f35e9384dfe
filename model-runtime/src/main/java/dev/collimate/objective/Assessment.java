package dev.collimate.objective;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the driver made of a rollout.
 *
 * @param rows to train on; where they name no completions, one of every completion, in their order
 * @param metrics to report of the rollout
 */
public record Assessment(List<Row> rows, List<RowLoss.Metric> metrics) {

  public Assessment {
    rows = List.copyOf(rows);
    metrics = List.copyOf(metrics);
  }

  /**
   * What a row is trained with.
   *
   * @param completions numbers of its completions among the rollout's, by role; empty: the one of
   *     its own number, as {@link Online#COMPLETION}
   * @param weight of its loss; a row of weight 0 need not be computed at all
   * @param advantage of its completion: of several tokens their mean
   * @param given numbers for {@link RowInputs#given}
   * @param tokens numbers of its counted tokens by role, for {@link RowInputs#referenceTokens}
   *     beside those of the reference and the old policy
   * @param counts further counts of its tokens by role, for {@link RowFacts#withTokens}
   */
  public record Row(
      Map<String, Integer> completions,
      double weight,
      double advantage,
      double[] given,
      Map<String, float[]> tokens,
      Map<String, Integer> counts) {

    public Row {
      completions = Collections.unmodifiableMap(new LinkedHashMap<>(completions));
      tokens = Collections.unmodifiableMap(new LinkedHashMap<>(tokens));
      counts = Collections.unmodifiableMap(new LinkedHashMap<>(counts));
    }

    /** The row of the completion of its own number. */
    public Row(
        double weight,
        double advantage,
        double[] given,
        Map<String, float[]> tokens,
        Map<String, Integer> counts) {
      this(Map.of(), weight, advantage, given, tokens, counts);
    }

    /** A row of weight 1 or 0 of named completions. */
    Row(Map<String, Integer> completions, boolean isTrained, double... given) {
      this(completions, isTrained ? 1 : 0, Double.NaN, given, Map.of(), Map.of());
    }

    /**
     * The row's completions by role.
     *
     * @param number of the row
     */
    public Map<String, Integer> completions(int number) {
      return completions.isEmpty() ? Map.of(Online.COMPLETION, number) : completions;
    }
  }
}

package dev.collimate.objective;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the driver made of a rollout.
 *
 * @param rows of every completion, in their order
 * @param metrics to report of the rollout
 */
public record Assessment(List<Row> rows, List<RowLoss.Metric> metrics) {

  public Assessment {
    rows = List.copyOf(rows);
    metrics = List.copyOf(metrics);
  }

  /**
   * What a completion is trained with.
   *
   * @param weight of its loss; a completion of weight 0 need not be computed at all
   * @param advantage to report beside the completion: of several tokens their mean
   * @param given numbers for {@link RowInputs#given}
   * @param tokens numbers of its counted tokens by role, for {@link RowInputs#referenceTokens}
   *     beside those of the reference and the old policy
   * @param counts further counts of its tokens by role, for {@link RowFacts#withTokens}
   */
  public record Row(
      double weight,
      double advantage,
      double[] given,
      Map<String, float[]> tokens,
      Map<String, Integer> counts) {

    public Row {
      tokens = Collections.unmodifiableMap(new LinkedHashMap<>(tokens));
      counts = Collections.unmodifiableMap(new LinkedHashMap<>(counts));
    }
  }
}

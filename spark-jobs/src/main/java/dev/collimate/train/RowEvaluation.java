package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.learn.LeafResult;
import dev.collimate.learn.MetricSums;
import dev.collimate.parameters.FlatVector;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Loss and metrics over all held-out rows, as leases of the same ledger: means over rows, token
 * metrics over tokens. Every row runs by itself, so neighbours and workers do not touch its bits.
 */
final class RowEvaluation implements Evaluation {

  /** Rows of a lease; sums within a lease come first, so this is part of the result's bits. */
  private static final int ROWS_PER_LEASE = 32;

  private final StepWork work;
  private final SplitRows rows;
  private final Aggregator aggregator;

  RowEvaluation(StepWork work, SplitRows rows, Aggregator aggregator) {
    this.work = work;
    this.rows = rows;
    this.aggregator = aggregator;
  }

  @Override
  public Map<String, Object> run(long version, FlatVector parameters, double[] state) {
    long start = System.nanoTime();
    List<int[]> batches = new ArrayList<>();
    for (int from = 0; from < rows.count(); from += ROWS_PER_LEASE) {
      batches.add(IntStream.range(from, Math.min(from + ROWS_PER_LEASE, rows.count())).toArray());
    }
    StepWork.Prepared prepared =
        work.prepare(0, batches, state, payloads -> aggregator.map(version, parameters, payloads));
    double loss = 0;
    MetricSums metrics = new MetricSums();
    for (byte[] answer : aggregator.map(version, parameters, prepared.evaluations())) {
      LeafResult result = StepMethod.leafResult(answer);
      loss += result.loss();
      metrics.add(result.metrics());
    }
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("eval_loss", loss);
    metrics.values().forEach((name, value) -> line.put("eval_" + name, value));
    work.summary(metrics.values()).forEach((name, value) -> line.put("eval_" + name, value));
    line.put("eval_runtime", (System.nanoTime() - start) / 1e9);
    return line;
  }
}

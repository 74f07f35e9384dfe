package dev.collimate.train;

import dev.collimate.learn.StepContext;
import dev.collimate.objective.GlobalBatch;
import dev.collimate.objective.Objective;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.StepPlan;
import dev.collimate.objective.StepTotals;
import dev.collimate.train.WorkItem.RowAddress;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Turns the rows of a global batch into work: the denominators, the objective's first pass where it
 * asks for one, its plan, and the addresses that go into leases.
 */
final class StepWork {

  private final Objective objective;
  private final SplitRows rows;
  private final long seed;

  StepWork(Objective objective, SplitRows rows, long seed) {
    this.objective = objective;
    this.rows = rows;
    this.seed = seed;
  }

  /**
   * A batch that is ready to be given out.
   *
   * @param microBatches the rows of each unit of work
   * @param stateAfter the objective's state after the step
   */
  record Prepared(StepContext context, List<List<RowAddress>> microBatches, double[] stateAfter) {

    List<byte[]> gradients() {
      return microBatches.stream()
          .map(batch -> new WorkItem.Gradient(context, batch).toBytes())
          .toList();
    }

    List<byte[]> evaluations() {
      return microBatches.stream()
          .map(batch -> new WorkItem.Evaluate(context, batch).toBytes())
          .toList();
    }
  }

  /**
   * Prepares a batch.
   *
   * @param step 1 for the first; 0 for an evaluation
   * @param state the objective's, before the step
   * @param workers answers work without a gradient, for the first pass
   */
  Prepared prepare(
      long step, List<int[]> microBatches, double[] state, UnaryOperator<List<byte[]>> workers) {
    List<RowFacts> facts = new ArrayList<>();
    microBatches.forEach(batch -> facts.addAll(rows.facts(batch)));
    StepTotals totals = StepTotals.of(facts);
    double[][] gathered = new double[0][];
    if (objective.declaration().gathers()) {
      gathered = gather(new StepContext(step, totals, new double[0]), microBatches, workers);
    }
    StepPlan plan = objective.plan(new GlobalBatch(seed, step, facts, gathered, state));
    List<List<RowAddress>> addresses = new ArrayList<>();
    int number = 0;
    for (int[] batch : microBatches) {
      List<RowAddress> ofBatch = new ArrayList<>(batch.length);
      for (int row : batch) {
        ofBatch.add(rows.address(row, plan.given(number++)));
      }
      addresses.add(ofBatch);
    }
    return new Prepared(new StepContext(step, totals, plan.shared()), addresses, plan.state());
  }

  /** Metrics that follow from the means of a window or an evaluation. */
  Map<String, Double> summary(Map<String, Double> means) {
    return objective.summary(means);
  }

  private double[][] gather(
      StepContext context, List<int[]> microBatches, UnaryOperator<List<byte[]>> workers) {
    List<byte[]> work = new ArrayList<>();
    for (int[] batch : microBatches) {
      List<RowAddress> addresses = new ArrayList<>(batch.length);
      for (int row : batch) {
        addresses.add(rows.address(row, new double[0]));
      }
      work.add(new WorkItem.Gather(context, addresses).toBytes());
    }
    return scalars(workers.apply(work));
  }

  /** [row][scalar] of the answers to work of the first pass. */
  static double[][] scalars(List<byte[]> answers) {
    List<double[]> scalars = new ArrayList<>();
    for (byte[] answer : answers) {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(answer))) {
        for (int left = in.readInt(); left > 0; left--) {
          scalars.add(WorkItem.readDoubles(in));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return scalars.toArray(double[][]::new);
  }
}

package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.objective.ReferenceSync;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.parameters.FlatVector;
import dev.collimate.train.WorkItem.RowAddress;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The reference model of a run in which it follows the policy. Its weights are a vector of the
 * training state. After each update the workers compute its log-probabilities of all rows that
 * training reads until the next one, each row by itself, as they were computed before training: so
 * the result depends neither on workers nor on where a run was interrupted, and the steps in
 * between cost what they cost with a reference that stays.
 */
final class MovingReference implements StepMethod.Reference {

  /** Name of the weights in checkpoints. */
  static final String VECTOR = "reference";

  /** Rows of a lease; each runs by itself. */
  private static final int ROWS_PER_LEASE = 16;

  private final ReferenceSync sync;
  private final BatchPlan plan;
  private final FlatVector weights;
  private final ReferenceUse use;
  private final MovedValues trainValues;
  private final MovedValues evalValues;
  private final Aggregator aggregator;

  /**
   * @param weights of the reference as training goes on from it; updated in place
   * @param use what of the values is kept
   */
  MovingReference(
      ReferenceSync sync,
      BatchPlan plan,
      FlatVector weights,
      ReferenceUse use,
      MovedValues trainValues,
      MovedValues evalValues,
      Aggregator aggregator) {
    this.sync = sync;
    this.plan = plan;
    this.weights = weights;
    this.use = use;
    this.trainValues = trainValues;
    this.evalValues = evalValues;
    this.aggregator = aggregator;
  }

  @Override
  public void before(long step) {
    long updates = sync.updates(step - 1);
    if (updates != trainValues.updates()) {
      long last = Math.min((updates + 1) * sync.steps(), plan.steps());
      int[] rows =
          LongStream.rangeClosed(step, last)
              .mapToObj(number -> plan.step(number).rows())
              .flatMapToInt(Arrays::stream)
              .distinct()
              .sorted()
              .toArray();
      trainValues.replace(updates, compute(updates, rows, WorkItem.Rows.TRAIN));
    }
  }

  @Override
  public boolean movesAfter(long step) {
    return sync.isAfter(step);
  }

  @Override
  public void after(long step, FlatVector policy) {
    if (movesAfter(step)) {
      sync.mix(weights, policy);
    }
  }

  /** Sees to it that held-out rows are compared with the reference as it is after a step. */
  void beforeEvaluation(long step, int rows) {
    long updates = sync.updates(step);
    if (updates != evalValues.updates()) {
      evalValues.replace(
          updates, compute(updates, IntStream.range(0, rows).toArray(), WorkItem.Rows.EVAL));
    }
  }

  /** Versions of the policy are numbered from 0 to one above the last step. */
  private Map<Integer, Reference> compute(long updates, int[] rows, WorkItem.Rows split) {
    List<byte[]> leases = new ArrayList<>();
    for (int from = 0; from < rows.length; from += ROWS_PER_LEASE) {
      List<RowAddress> addresses =
          Arrays.stream(rows, from, Math.min(from + ROWS_PER_LEASE, rows.length))
              .mapToObj(row -> new RowAddress(row, Reference.NONE, new double[0]))
              .toList();
      leases.add(new WorkItem.Compare(split, addresses).toBytes());
    }
    Map<Integer, Reference> values = new HashMap<>();
    int row = 0;
    for (byte[] answer : aggregator.map(plan.steps() + 1 + updates, weights, leases)) {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(answer))) {
        for (int left = in.readInt(); left > 0; left--) {
          Reference ofRow = WorkItem.readReference(in);
          values.put(
              rows[row++],
              use == ReferenceUse.TOKENS ? ofRow : new Reference(ofRow.sums(), Map.of()));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return values;
  }
}

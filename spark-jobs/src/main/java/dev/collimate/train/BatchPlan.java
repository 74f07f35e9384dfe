package dev.collimate.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Which rows each optimizer step sees, and how they are divided into micro-batches: a pure function
 * of the epochs' row orders, the rows' lengths and the sizes. A global batch never crosses epochs;
 * the last one of an epoch holds what is left; nothing that the order has is dropped, and nothing
 * that it has once is repeated.
 *
 * <p>Within a global batch rows of like length share a micro-batch, the longest first: a
 * micro-batch is padded to its longest row, and nothing that a step computes depends on which rows
 * share one but for rounding. The longest first also keeps the workers' ends close together.
 */
final class BatchPlan {

  private final int rows;
  private final int globalBatchSize;
  private final int microBatchSize;
  private final long steps;
  private final IntFunction<int[]> epochOrder;
  private final Comparator<Integer> longestFirst;
  private int cachedEpoch = -1;
  private int[] cachedOrder;

  /**
   * @param rows rows of an epoch, at least 1
   * @param steps optimizer steps in all
   * @param epochOrder the epoch's rows in order, as many as {@code rows}
   * @param length tokens that decide which rows share a micro-batch
   */
  BatchPlan(
      int rows,
      int globalBatchSize,
      int microBatchSize,
      long steps,
      IntFunction<int[]> epochOrder,
      IntUnaryOperator length) {
    if (rows < 1 || globalBatchSize < 1 || microBatchSize < 1) {
      throw new IllegalArgumentException(
          "rows, global and micro batch must be at least 1, got %d, %d, %d"
              .formatted(rows, globalBatchSize, microBatchSize));
    }
    this.rows = rows;
    this.globalBatchSize = globalBatchSize;
    this.microBatchSize = microBatchSize;
    this.steps = steps;
    this.epochOrder = epochOrder;
    this.longestFirst = Comparator.comparingInt(length::applyAsInt).reversed();
  }

  /**
   * Number of optimizer steps for a number of epochs, a part of an epoch rounded up to a whole
   * step, as transformers counts.
   */
  static long stepsForEpochs(double epochs, int rows, int globalBatchSize) {
    return (long) Math.ceil(epochs * stepsPerEpoch(rows, globalBatchSize));
  }

  private static int stepsPerEpoch(int rows, int globalBatchSize) {
    return Math.toIntExact(((long) rows + globalBatchSize - 1) / globalBatchSize);
  }

  int rows() {
    return rows;
  }

  long steps() {
    return steps;
  }

  /**
   * One optimizer step.
   *
   * @param number 1-based
   * @param epoch the 0-based epoch that it belongs to
   * @param epochsDone epochs done after the step, a fraction
   * @param microBatches row indices of each micro-batch
   */
  record Step(long number, int epoch, double epochsDone, List<int[]> microBatches) {

    int[] rows() {
      return microBatches.stream().flatMapToInt(Arrays::stream).toArray();
    }
  }

  /** The plan of a step, 1 to {@link #steps()}. */
  Step step(long number) {
    return share(number, 0, 1);
  }

  /**
   * A replica's part of a step: every {@code replicas}-th row of the global batch in the epoch's
   * order, the {@code replica}-th first. No micro-batches where the batch has too few rows.
   *
   * @param replica 0 to {@code replicas - 1}
   */
  Step share(long number, int replica, int replicas) {
    if (number < 1 || number > steps) {
      throw new IllegalArgumentException("step " + number + " is outside 1 to " + steps);
    }
    int perEpoch = stepsPerEpoch(rows, globalBatchSize);
    int epoch = Math.toIntExact((number - 1) / perEpoch);
    int from = (int) ((number - 1) % perEpoch) * globalBatchSize;
    int to = (int) Math.min((long) from + globalBatchSize, rows);
    int[] order = order(epoch);
    int[] batch =
        IntStream.iterate(from + replica, i -> i < to, i -> i + replicas)
            .map(i -> order[i])
            .toArray();
    return new Step(number, epoch, (double) number / perEpoch, microBatches(batch));
  }

  /** Cuts the rows of a step, the longest first. */
  List<int[]> microBatches(int[] rows) {
    int[] batch =
        Arrays.stream(rows)
            .boxed()
            .sorted(longestFirst) // stable: rows of one length stay in their order
            .mapToInt(Integer::intValue)
            .toArray();
    List<int[]> microBatches = new ArrayList<>();
    for (long start = 0; start < batch.length; start += microBatchSize) {
      long end = Math.min(start + microBatchSize, batch.length);
      microBatches.add(Arrays.copyOfRange(batch, (int) start, (int) end));
    }
    return List.copyOf(microBatches);
  }

  /** Steps up to and with {@code number} in which a replica has rows. */
  long sharesTaken(long number, int replica) {
    int perEpoch = stepsPerEpoch(rows, globalBatchSize);
    int rowsOfLast = rows - (perEpoch - 1) * globalBatchSize;
    return rowsOfLast > replica ? number : number - number / perEpoch;
  }

  /** Number of different rows that all the steps together see. */
  int rowsReached() {
    return (int)
        Arrays.stream(order(0)).limit(Math.min(rows, steps * globalBatchSize)).distinct().count();
  }

  private int[] order(int epoch) {
    if (epoch != cachedEpoch) {
      cachedOrder = epochOrder.apply(epoch);
      cachedEpoch = epoch;
    }
    return cachedOrder;
  }
}

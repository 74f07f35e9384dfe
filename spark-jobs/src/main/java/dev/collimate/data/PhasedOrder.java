package dev.collimate.data;

import dev.collimate.objective.Progression;
import java.util.Comparator;
import java.util.function.IntFunction;
import java.util.function.IntToDoubleFunction;

/**
 * The order of an epoch in phases, with rows of earlier phases replayed in the later ones, {@link
 * Progression#inPhases}. Which ones come again depends on their keys, the seed and the epoch.
 *
 * @param progression the column of the phases, and how much is replayed
 * @param phase of a row; the least comes first
 * @param seed of the run
 * @param keys the rows' keys
 */
public record PhasedOrder(
    Progression progression, IntToDoubleFunction phase, long seed, IntFunction<Digest128> keys) {

  public static PhasedOrder of(Progression order, long seed, RowFacts rows) {
    return new PhasedOrder(order, row -> rows.scalar(order.column(), row), seed, rows::keyHash);
  }

  /**
   * An epoch's rows.
   *
   * @param order all rows as they would come without phases, which is their order within one
   * @return row indices; those that are replayed stand there more than once
   */
  public int[] of(int epoch, int[] order) {
    return progression.inPhases(order, phase, number -> byRank(epoch, number));
  }

  /** By a hash of their own for each phase. */
  private Comparator<Integer> byRank(int epoch, int number) {
    Comparator<Integer> byRank =
        (a, b) -> Long.compareUnsigned(rank(a, epoch, number), rank(b, epoch, number));
    return byRank.thenComparing(keys::apply);
  }

  private long rank(int row, int epoch, int number) {
    return RowOrder.rank(seed + number, epoch, keys.apply(row));
  }
}

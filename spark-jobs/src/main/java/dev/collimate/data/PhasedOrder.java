package dev.collimate.data;

import dev.collimate.objective.Progression;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.IntToDoubleFunction;

/**
 * The order of an epoch in phases, with rows of earlier phases replayed in the later ones. How many
 * rows an epoch has does not depend on its order: for each phase after the first {@code replay}
 * times its rows, rounded, are added, at most as many as came before it.
 *
 * @param phase of a row; the least comes first
 * @param replay rows of earlier phases for each row of a phase
 * @param seed of the run
 * @param keys the rows' keys
 */
public record PhasedOrder(
    IntToDoubleFunction phase, double replay, long seed, IntFunction<Digest128> keys) {

  public static PhasedOrder of(Progression order, long seed, RowFacts rows) {
    return new PhasedOrder(
        row -> rows.scalar(order.column(), row), order.replay(), seed, rows::keyHash);
  }

  /**
   * An epoch's rows.
   *
   * @param order all rows as they would come without phases, which is their order within one
   * @return row indices; those that are replayed stand there more than once
   */
  public int[] of(int epoch, int[] order) {
    SortedMap<Double, List<Integer>> phases = new TreeMap<>();
    for (int row : order) {
      phases.computeIfAbsent(phase.applyAsDouble(row), any -> new ArrayList<>()).add(row);
    }
    List<Integer> rows = new ArrayList<>();
    List<Integer> earlier = new ArrayList<>();
    int number = 0;
    for (List<Integer> own : phases.values()) {
      spread(own, replayed(earlier, own.size(), epoch, number++), rows);
      earlier.addAll(own);
    }
    return rows.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Those of the earlier rows that come first by a hash of their own for each phase. */
  private List<Integer> replayed(List<Integer> earlier, int own, int epoch, int number) {
    Comparator<Integer> byRank =
        (a, b) -> Long.compareUnsigned(rank(a, epoch, number), rank(b, epoch, number));
    return earlier.stream()
        .sorted(byRank.thenComparing(keys::apply))
        .limit(Math.round(replay * own))
        .toList();
  }

  private long rank(int row, int epoch, int number) {
    return RowOrder.rank(seed + number, epoch, keys.apply(row));
  }

  /** Own rows in their order, with the replayed ones at even distances. */
  private static void spread(List<Integer> own, List<Integer> replayed, List<Integer> into) {
    long all = (long) own.size() + replayed.size();
    int next = 0;
    int again = 0;
    for (long place = 0; place < all; place++) {
      boolean isAgain = (place + 1) * replayed.size() / all > place * replayed.size() / all;
      into.add(isAgain ? replayed.get(again++) : own.get(next++));
    }
  }
}

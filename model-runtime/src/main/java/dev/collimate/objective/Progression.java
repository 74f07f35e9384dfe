package dev.collimate.objective;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.IntToDoubleFunction;

/**
 * An order of training in phases: the rows whose column holds the least number first, then those of
 * the next, and so on, each phase after the first with some rows of the phases before it.
 *
 * @param column of numbers that the rows are ordered by
 * @param replay rows of earlier phases for each row of a phase
 */
public record Progression(String column, double replay) {

  private static final String PROGRESSIVE = "progressive";
  private static final String REPLAY = "replay";

  static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.flag(
              PROGRESSIVE,
              false,
              "In every epoch train the first statements, then the second ones, and so on, instead"
                  + " of all mixed."),
          ObjectiveOption.number(
                  REPLAY,
                  0.2,
                  ">= 0 and <= 1",
                  "Pairs of earlier statements that come again for each pair of a phase, spread"
                      + " evenly over it; an epoch is so much longer.")
              .onlyWith(PROGRESSIVE, List.of("true")));

  /** What the options say; empty where the rows are mixed. */
  static Optional<Progression> of(Options options, String column) {
    return options.flag(PROGRESSIVE)
        ? Optional.of(new Progression(column, options.number(REPLAY)))
        : Optional.empty();
  }

  /**
   * An epoch's rows in phases. How many they are does not depend on their order: for each phase
   * after the first {@code replay} times its rows, rounded, are added, at most as many as came
   * before it.
   *
   * @param order all rows as they would come without phases, which is their order within one
   * @param phase of a row, the number in the column
   * @param byRank of a phase, counted from 0: of the rows before it those are replayed that come
   *     first by it
   * @return rows; those that are replayed stand there more than once
   */
  public int[] inPhases(
      int[] order, IntToDoubleFunction phase, IntFunction<Comparator<Integer>> byRank) {
    SortedMap<Double, List<Integer>> phases = new TreeMap<>();
    for (int row : order) {
      phases.computeIfAbsent(phase.applyAsDouble(row), any -> new ArrayList<>()).add(row);
    }
    List<Integer> rows = new ArrayList<>();
    List<Integer> earlier = new ArrayList<>();
    int number = 0;
    for (List<Integer> own : phases.values()) {
      List<Integer> replayed =
          earlier.stream()
              .sorted(byRank.apply(number++))
              .limit(Math.round(replay * own.size()))
              .toList();
      spread(own, replayed, rows);
      earlier.addAll(own);
    }
    return rows.stream().mapToInt(Integer::intValue).toArray();
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

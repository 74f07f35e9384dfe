package dev.collimate.data;

import dev.collimate.CollimateException;
import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The names in columns of names, and how many training rows have each. A name's number is its place
 * in sorted order, so it depends on the rows alone.
 */
final class Categories implements Serializable {

  /** Names of a column; more of them are no groups, and would not fit a driver. */
  static final int MOST = 10_000;

  private static final long serialVersionUID = 1;

  private final TreeMap<String, SortedMap<String, Long>> sizes = new TreeMap<>();

  void add(String column, String name, boolean isTrained) {
    merge(column, name, isTrained ? 1 : 0);
  }

  void merge(Categories other) {
    other.sizes.forEach(
        (column, names) -> names.forEach((name, rows) -> merge(column, name, rows)));
  }

  private void merge(String column, String name, long rows) {
    SortedMap<String, Long> names = sizes.computeIfAbsent(column, any -> new TreeMap<>());
    names.merge(name, rows, Long::sum);
    if (names.size() > MOST + 1) {
      // One too many says enough.
      names.remove(names.lastKey());
    }
  }

  /** Training rows by column and name. */
  SortedMap<String, SortedMap<String, Long>> sizes() {
    return sizes;
  }

  /**
   * Refuses columns of too many names.
   *
   * @throws CollimateException of kind DATA
   */
  void requireFew() {
    sizes.forEach(
        (column, names) -> {
          if (names.size() > MOST) {
            throw CollimateException.data(
                "data: column '%s' has more than %d different names, such as '%s' and '%s'; it is to name groups of rows"
                    .formatted(column, MOST, names.firstKey(), names.lastKey()));
          }
        });
  }

  /** The number of every name, by column. */
  Map<String, Map<String, Integer>> numbers() {
    Map<String, Map<String, Integer>> numbers = new HashMap<>();
    sizes.forEach(
        (column, names) -> {
          Map<String, Integer> ofColumn = new HashMap<>();
          names.keySet().forEach(name -> ofColumn.put(name, ofColumn.size()));
          numbers.put(column, ofColumn);
        });
    return numbers;
  }
}

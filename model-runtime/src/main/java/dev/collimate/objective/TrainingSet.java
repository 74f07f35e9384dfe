package dev.collimate.objective;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an objective may know of all rows that are trained on.
 *
 * @param rows their number
 * @param model the model that is trained
 * @param categories by column of names: the names of all rows, held-out ones too, in the order of
 *     their numbers, with the training rows of each
 */
public record TrainingSet(
    long rows, Model model, SortedMap<String, SortedMap<String, Long>> categories)
    implements Serializable {

  /**
   * Sizes by which parameters of an objective's own are made.
   *
   * @param hidden numbers of a hidden state
   * @param layers of the reference model
   * @param hiddenOfReference numbers of a hidden state there
   * @param seed of the run
   */
  public record Model(int hidden, int layers, int hiddenOfReference, long seed)
      implements Serializable {

    /** Before there is one. */
    static final Model UNKNOWN = new Model(0, 0, 0, 0);
  }

  public TrainingSet {
    TreeMap<String, SortedMap<String, Long>> copy = new TreeMap<>();
    categories.forEach((column, sizes) -> copy.put(column, new TreeMap<>(sizes)));
    categories = Collections.unmodifiableSortedMap(copy);
  }

  /** The names of a column; a row's scalar is the index. */
  public List<String> names(String column) {
    return List.copyOf(categories.get(column).keySet());
  }

  /** Training rows of each name of a column, by the index of the name. */
  public List<Long> sizes(String column) {
    return new ArrayList<>(categories.get(column).values());
  }
}

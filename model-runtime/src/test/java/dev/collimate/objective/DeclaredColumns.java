package dev.collimate.objective;

import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowShape;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/** What an objective declares to read of its data, made up for tests. */
public final class DeclaredColumns {

  private static final SortedMap<String, Long> NAMES =
      new TreeMap<>(Map.of("a", 50L, "b", 30L, "c", 20L));

  /** As wide as a hidden state of tests is. */
  public static final TrainingSet.Model MODEL =
      new TrainingSet.Model(/* hidden= */ 11, /* layers= */ 2, /* hiddenOfReference= */ 11, 42);

  private DeclaredColumns() {}

  /** The objective over a hundred rows, in which the names of a column are not equally frequent. */
  public static Objective over(Objective objective) {
    TreeMap<String, SortedMap<String, Long>> categories = new TreeMap<>();
    for (String column : objective.declaration().columns().categories()) {
      categories.put(column, NAMES);
    }
    return objective.over(new TrainingSet(100, MODEL, categories));
  }

  /** Legal numbers of one row, with the label of a judged completion. */
  public static Map<String, Double> scalars(Declaration declaration, Random random) {
    Map<String, Double> scalars = new LinkedHashMap<>();
    for (NumberColumn column : declaration.columns().numbers()) {
      for (int i = 0; i < column.length(); i++) {
        scalars.put(column.scalar(i), legal(column, random));
      }
    }
    for (String column : declaration.columns().categories()) {
      scalars.put(column, (double) random.nextInt(NAMES.size()));
    }
    if (declaration.shape() == RowShape.UNPAIRED) {
      scalars.put(RowFacts.LABEL, (double) random.nextInt(2));
    }
    return scalars;
  }

  private static double legal(NumberColumn column, Random random) {
    double number = 6 * random.nextDouble() - 3;
    while (!column.range().holds(number)) {
      number = 6 * random.nextDouble() - 3;
    }
    return number;
  }
}

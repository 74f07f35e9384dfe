package dev.collimate.objective;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The denominators of a step's loss, known before its first gradient. For evaluation the step is
 * the whole held-out set.
 *
 * @param rows number of rows
 * @param weight sum of the rows' weights
 * @param tokens sum of weight times counted tokens, by role
 * @param classes sum of weights by label, for losses with separate class means
 */
public record StepTotals(
    int rows, double weight, SortedMap<String, Double> tokens, SortedMap<Double, Double> classes) {

  public StepTotals {
    tokens = Collections.unmodifiableSortedMap(new TreeMap<>(tokens));
    classes = Collections.unmodifiableSortedMap(new TreeMap<>(classes));
  }

  /** Sums the rows in the order given. */
  public static StepTotals of(List<RowFacts> rows) {
    double weight = 0;
    TreeMap<String, Double> tokens = new TreeMap<>();
    TreeMap<Double, Double> classes = new TreeMap<>();
    for (RowFacts row : rows) {
      weight += row.weight();
      row.countedTokens()
          .forEach((role, count) -> tokens.merge(role, row.weight() * count, Double::sum));
      if (!Double.isNaN(row.label())) {
        classes.merge(row.label(), row.weight(), Double::sum);
      }
    }
    return new StepTotals(rows.size(), weight, tokens, classes);
  }

  public void write(DataOutput out) throws IOException {
    out.writeInt(rows);
    out.writeDouble(weight);
    out.writeInt(tokens.size());
    for (Map.Entry<String, Double> entry : tokens.entrySet()) {
      out.writeUTF(entry.getKey());
      out.writeDouble(entry.getValue());
    }
    out.writeInt(classes.size());
    for (Map.Entry<Double, Double> entry : classes.entrySet()) {
      out.writeDouble(entry.getKey());
      out.writeDouble(entry.getValue());
    }
  }

  public static StepTotals read(DataInput in) throws IOException {
    int rows = in.readInt();
    double weight = in.readDouble();
    TreeMap<String, Double> tokens = new TreeMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      tokens.put(in.readUTF(), in.readDouble());
    }
    TreeMap<Double, Double> classes = new TreeMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      classes.put(in.readDouble(), in.readDouble());
    }
    return new StepTotals(rows, weight, tokens, classes);
  }
}

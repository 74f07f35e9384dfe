package dev.collimate.reference;

import dev.collimate.data.RowFacts;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The reference model's summed log-probabilities of the rows of a split: 8 bytes a sequence. */
public final class ReferenceValues {

  private final Map<String, double[]> sums = new LinkedHashMap<>();
  private final int count;

  ReferenceValues(int count, List<String> roles) {
    this.count = count;
    for (String role : roles) {
      double[] unknown = new double[count];
      Arrays.fill(unknown, Double.NaN);
      sums.put(role, unknown);
    }
  }

  /** Of the counted tokens of a sequence, in nats. */
  public double sum(String role, int row) {
    return sums.get(role)[row];
  }

  /** Number of rows. */
  public int count() {
    return count;
  }

  boolean isKnown(int row) {
    return sums.values().stream().noneMatch(ofRole -> Double.isNaN(ofRole[row]));
  }

  /** Sets all rows with one content. */
  void put(ContentIndex index, StoredRow stored) {
    for (int row : index.rowsWith(stored.content())) {
      sums.forEach(
          (role, ofRole) -> {
            Double sum = stored.sums().get(role);
            if (sum != null) {
              ofRole[row] = sum;
            }
          });
    }
  }

  /** The first unknown row of each content, ascending. */
  int[] unknownContents(RowFacts rows, ContentIndex index) {
    int[] unknown = new int[count];
    int found = 0;
    for (int row = 0; row < count; row++) {
      if (!isKnown(row) && index.rowsWith(rows.contentHash(row))[0] == row) {
        unknown[found++] = row;
      }
    }
    return Arrays.copyOf(unknown, found);
  }
}

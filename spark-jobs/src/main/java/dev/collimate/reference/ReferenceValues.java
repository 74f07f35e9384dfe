package dev.collimate.reference;

import dev.collimate.data.RowFacts;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.objective.RowInputs.Reference;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The reference model's log-probabilities of the rows of a split: 8 bytes a sequence for the sum,
 * and where an objective reads tokens 4 bytes for each that counts.
 */
public final class ReferenceValues {

  private final Map<String, double[]> sums = new LinkedHashMap<>();
  private final Map<String, float[][]> tokens = new LinkedHashMap<>();
  private final int count;

  ReferenceValues(int count, List<String> roles, ReferenceUse use) {
    this.count = count;
    for (String role : roles) {
      double[] unknown = new double[count];
      Arrays.fill(unknown, Double.NaN);
      sums.put(role, unknown);
      if (use == ReferenceUse.TOKENS) {
        tokens.put(role, new float[count][]);
      }
    }
  }

  /** Of the counted tokens of a sequence, in nats. */
  double sum(String role, int row) {
    return sums.get(role)[row];
  }

  /**
   * Sums of some roles of a row, and the tokens' log-probabilities where they are kept; nothing of
   * roles whose reference no objective reads.
   */
  public Reference of(List<String> roles, int row) {
    Map<String, Double> sumsOfRow = new LinkedHashMap<>();
    Map<String, float[]> tokensOfRow = new LinkedHashMap<>();
    for (String role : roles.stream().filter(sums::containsKey).toList()) {
      sumsOfRow.put(role, sum(role, row));
      if (!tokens.isEmpty()) {
        tokensOfRow.put(role, tokens.get(role)[row]);
      }
    }
    return new Reference(sumsOfRow, tokensOfRow);
  }

  /** Number of rows. */
  public int count() {
    return count;
  }

  boolean isKnown(int row) {
    return sums.values().stream().noneMatch(ofRole -> Double.isNaN(ofRole[row]))
        && tokens.values().stream().noneMatch(ofRole -> ofRole[row] == null);
  }

  /** Sets all rows with one content; they share the tokens. */
  void put(ContentIndex index, StoredRow stored) {
    for (int row : index.rowsWith(stored.content())) {
      sums.forEach(
          (role, ofRole) -> {
            Double sum = stored.sums().get(role);
            if (sum != null) {
              ofRole[row] = sum;
            }
          });
      tokens.forEach(
          (role, ofRole) -> {
            float[] ofSequence = stored.tokens().get(role);
            if (ofSequence != null) {
              ofRole[row] = ofSequence;
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

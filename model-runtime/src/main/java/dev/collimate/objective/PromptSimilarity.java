package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.text.NumberColumn;
import java.util.List;

/**
 * How alike prompts are by their embeddings: {@code softmax over j of -(1 - cos(e_i, e_j)) / T}.
 *
 * @param column lists of numbers, one embedding a row
 * @param temperature T
 */
record PromptSimilarity(NumberColumn column, double temperature) {

  private static final String EMBEDDING = "embedding";

  /**
   * The option for the length of the embeddings.
   *
   * @param where when they are read
   */
  static ObjectiveOption size(String where) {
    return ObjectiveOption.number(
        "embedding_size",
        16.0,
        ">= 2 and <= 4096",
        where
            + ": length of the lists in the column embedding. The driver holds them, 8 bytes a number"
            + " and row.");
  }

  /**
   * The column that the option {@code embedding_size} describes.
   *
   * @throws CollimateException of kind USAGE where the size is no whole number
   */
  static NumberColumn column(Options options) {
    double size = options.number("embedding_size");
    if (size != Math.rint(size)) {
      throw CollimateException.usage(
          "objective.embedding_size: must be a whole number, got " + size);
    }
    return NumberColumn.required(EMBEDDING).ofLength((int) size);
  }

  /** The row's embedding, as it stands in the column. */
  static double[] embedding(NumberColumn column, RowInputs inputs) {
    double[] embedding = new double[column.length()];
    for (int i = 0; i < embedding.length; i++) {
      embedding[i] = inputs.scalar(column.scalar(i));
    }
    return embedding;
  }

  /** The row's embedding, brought to length 1; zeros stay as they are. */
  double[] direction(RowInputs inputs) {
    double[] direction = embedding(column, inputs);
    double squares = 0;
    for (double number : direction) {
      squares += number * number;
    }
    for (int i = 0; i < direction.length && squares > 0; i++) {
      direction[i] /= StrictMath.sqrt(squares);
    }
    return direction;
  }

  /**
   * Shares of one, larger for prompts that are more alike.
   *
   * @param from a direction
   * @param others directions, at least one
   * @return [other], which add up to 1
   */
  double[] shares(double[] from, List<double[]> others) {
    double[] shares = new double[others.size()];
    double most = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < shares.length; j++) {
      double cosine = 0;
      for (int k = 0; k < from.length; k++) {
        cosine += from[k] * others.get(j)[k];
      }
      shares[j] = -(1 - cosine) / temperature;
      most = Math.max(most, shares[j]);
    }
    double sum = 0;
    for (int j = 0; j < shares.length; j++) {
      shares[j] = StrictMath.exp(shares[j] - most);
      sum += shares[j];
    }
    for (int j = 0; j < shares.length; j++) {
      shares[j] /= sum;
    }
    return shares;
  }
}

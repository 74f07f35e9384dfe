package dev.collimate.objective;

/** All rows that are trained on, as the driver knows them. */
public interface TrainingRows {

  /** Their number. */
  int count();

  RowFacts facts(int row);

  /** A number column of a row; NaN where the row has none. */
  double scalar(String column, int row);
}

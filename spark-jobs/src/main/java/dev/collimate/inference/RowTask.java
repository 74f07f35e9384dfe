package dev.collimate.inference;

import java.util.List;
import java.util.Map;

/** What is done with each row, on one executor. */
interface RowTask extends AutoCloseable {

  /**
   * Makes the output rows of an input row.
   *
   * @param number of the row in the input, from 0
   * @param row its columns; may be changed
   */
  List<Map<String, Object>> run(long number, Map<String, Object> row);

  @Override
  void close();
}

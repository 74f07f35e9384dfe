package dev.collimate.data;

import java.io.Serializable;
import java.util.Map;

/** A row as a source gives it. */
sealed interface InputRow extends Serializable {

  RowOrigin origin();

  /** A row of plain Java values: maps, lists, strings, numbers, booleans, nulls. */
  record Columns(RowOrigin origin, Map<String, Object> values) implements InputRow {}

  /**
   * A line that is no row.
   *
   * @param line as it stands in the file
   * @param detail what is wrong with it
   */
  record Malformed(RowOrigin origin, String line, String detail) implements InputRow {}

  /** A blank line. */
  record Blank(RowOrigin origin) implements InputRow {}
}

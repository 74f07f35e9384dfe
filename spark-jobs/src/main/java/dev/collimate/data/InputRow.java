package dev.collimate.data;

import dev.collimate.CollimateException;
import dev.collimate.text.ExamplePreparer;
import dev.collimate.text.Prepared;
import java.io.Serializable;
import java.util.List;
import java.util.Map;

/** A row as a source gives it. */
sealed interface InputRow extends Serializable {

  RowOrigin origin();

  /** A row of plain Java values: maps, lists, strings, numbers, booleans, nulls. */
  record Columns(RowOrigin origin, Map<String, Object> values) implements InputRow {

    /** Prepares the row, or the rows of its sides; what ends the run because of it names it. */
    List<Prepared> prepare(ExamplePreparer preparer) {
      try {
        return preparer.prepareAll(values);
      } catch (CollimateException e) {
        throw new CollimateException(e.kind(), origin.place() + ": " + e.getMessage(), e);
      }
    }
  }

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

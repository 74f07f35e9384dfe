package dev.collimate.data;

import dev.collimate.text.Example;
import java.util.Map;
import java.util.Set;

/** An input row after it was looked at, on its way through Spark's shuffles. */
sealed interface CheckedRow {

  RowOrigin origin();

  /**
   * A row to train on or to hold out.
   *
   * @param example its key is the {@code id} or the hash of the columns used
   * @param keyed whether the key is an {@code id}
   * @param categories the row's names, by column
   * @param notes what was done to it
   * @param row the input row as JSON where {@code keyed}, since it is wanted where the id turns out
   *     to be taken, and of prompts, whose columns rewards may read; else empty
   */
  record Ready(
      RowOrigin origin,
      Example example,
      boolean keyed,
      Map<String, String> categories,
      Set<String> notes,
      String row)
      implements CheckedRow {
    public Ready {
      categories = Map.copyOf(categories);
      notes = Set.copyOf(notes);
    }
  }

  /**
   * A row that is left out.
   *
   * @param outcome why
   * @param reason its code
   * @param detail a sentence for people
   * @param row the input row as JSON, or the line as it stands where it is malformed
   */
  record LeftOut(RowOrigin origin, Outcome outcome, String reason, String detail, String row)
      implements CheckedRow {}

  /** A blank line of a JSON file: no row, but it counts when lines are numbered. */
  record Blank(RowOrigin origin) implements CheckedRow {}

  /** Why a row is left out; the column of the accounting. */
  enum Outcome {
    QUARANTINED,
    FILTERED,
    DEDUPLICATED
  }
}

package dev.collimate.text;

import dev.collimate.Range;
import java.io.Serializable;

/**
 * A column of numbers that an objective reads.
 *
 * @param name of the column
 * @param isRequired whether a row without it goes to quarantine
 * @param range legal values; a row with another goes to quarantine
 */
public record NumberColumn(String name, boolean isRequired, Range range) implements Serializable {

  public static NumberColumn required(String name) {
    return new NumberColumn(name, /* isRequired= */ true, new Range(""));
  }

  public static NumberColumn optional(String name) {
    return new NumberColumn(name, /* isRequired= */ false, new Range(""));
  }

  /** The same column with bounds, such as {@code "> 0"}. */
  public NumberColumn within(String bounds) {
    return new NumberColumn(name, isRequired, new Range(bounds));
  }
}

package dev.collimate.text;

import dev.collimate.Range;
import java.io.Serializable;

/**
 * A column of numbers that an objective reads.
 *
 * @param name of the column
 * @param isRequired whether a row without it goes to quarantine
 * @param range legal values; a row with another goes to quarantine
 * @param length 1 for a number; above 1 the column holds lists of so many numbers
 */
public record NumberColumn(String name, boolean isRequired, Range range, int length)
    implements Serializable {

  public static NumberColumn required(String name) {
    return new NumberColumn(name, /* isRequired= */ true, new Range(""), 1);
  }

  public static NumberColumn optional(String name) {
    return new NumberColumn(name, /* isRequired= */ false, new Range(""), 1);
  }

  /** The same column with bounds, such as {@code "> 0"}. */
  public NumberColumn within(String bounds) {
    return new NumberColumn(name, isRequired, new Range(bounds), length);
  }

  /** A column of lists of numbers. */
  public NumberColumn ofLength(int numbers) {
    return new NumberColumn(name, isRequired, range, numbers);
  }

  /** The name of a number among the scalars of a row. */
  public String scalar(int index) {
    return length == 1 ? name : name + "_" + index;
  }
}

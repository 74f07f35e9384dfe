package dev.collimate.text;

import java.util.Map;
import java.util.Set;

/** What became of a row: an example ready for training, or a reason why it cannot be used. */
public sealed interface Prepared {

  /**
   * The row can be used.
   *
   * @param example its key is the row's {@code id}, or the hash of the columns used without an
   *     occurrence number
   * @param hasOwnKey whether the key is the row's {@code id}
   * @param categories the row's names, by column; their numbers are known with all rows
   * @param notes what is counted about usable rows: {@code boundary_merge}, {@code
   *     truncated_<role>}, {@code truncated_prompt}, {@code identical_sides}, {@code no_eos_token},
   *     {@code template_time}
   */
  record Ready(
      Example example, boolean hasOwnKey, Map<String, String> categories, Set<String> notes)
      implements Prepared {
    public Ready {
      categories = Map.copyOf(categories);
      notes = Set.copyOf(notes);
    }
  }

  /**
   * The row goes to quarantine.
   *
   * @param reason a reason code, see {@link Refusal}
   * @param detail one sentence for a person
   */
  record Refused(String reason, String detail) implements Prepared {}
}

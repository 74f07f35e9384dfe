package dev.collimate.text;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * The columns of a row that an objective reads beside those of its {@link RowShape}. Nothing else
 * of a row is kept, and these enter the key of a row without {@code id}.
 *
 * @param numbers kept as {@link Example#scalars}
 */
public record RowColumns(List<NumberColumn> numbers) implements Serializable {

  public static final RowColumns NONE = new RowColumns(List.of());

  public RowColumns {
    numbers = List.copyOf(numbers);
  }

  /** What TRL's rows of a shape may have, where no objective says what it reads. */
  static RowColumns usual(RowShape shape) {
    return switch (shape) {
      case PREFERENCE, REWARD ->
          NONE.withNumbers(
              NumberColumn.optional("margin"),
              NumberColumn.optional("chosen_score"),
              NumberColumn.optional("rejected_score"));
      case DEMONSTRATION, TRIPLE, UNPAIRED, PROMPT -> NONE;
    };
  }

  public RowColumns withNumbers(NumberColumn... added) {
    List<NumberColumn> all = new ArrayList<>(numbers);
    all.addAll(List.of(added));
    return new RowColumns(all);
  }

  /** The names of all columns of the row that are read. */
  List<String> names() {
    return numbers.stream().map(NumberColumn::name).toList();
  }
}

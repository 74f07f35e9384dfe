package dev.collimate.text;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The columns of a row that an objective reads beside those of its {@link RowShape}. Nothing else
 * of a row is kept, and these enter the key of a row without {@code id}.
 *
 * @param numbers kept as {@link Example#scalars}
 * @param categories columns of names, such as {@code group}; every row must have one. Among the
 *     scalars stands the name's number, from 0 in the order of all the data set's names
 * @param sequences kept beside the shape's; every row must have them
 * @param marks columns that mark the tokens of a side; a row may have none of them
 * @param context column of a text that stands before a reward model's prompt, in the rows that have
 *     one; empty: none
 * @param completions what rows of prompts bring along, see {@link GivenCompletions}
 */
public record RowColumns(
    List<NumberColumn> numbers,
    List<String> categories,
    List<FurtherSequence> sequences,
    List<TokenMarks> marks,
    String context,
    GivenCompletions completions)
    implements Serializable {

  public static final RowColumns NONE =
      new RowColumns(List.of(), List.of(), List.of(), List.of(), "", GivenCompletions.NONE);

  public RowColumns {
    numbers = List.copyOf(numbers);
    categories = List.copyOf(categories);
    sequences = List.copyOf(sequences);
    marks = List.copyOf(marks);
  }

  /** What TRL's rows of a shape may have, where no objective says what it reads. */
  static RowColumns usual(RowShape shape) {
    return switch (shape) {
      case PREFERENCE, REWARD ->
          NONE.withNumbers(
              NumberColumn.optional("margin"),
              NumberColumn.optional("chosen_score"),
              NumberColumn.optional("rejected_score"));
      case DEMONSTRATION, TRIPLE, RANKED, SCORED, UNPAIRED, PROMPT -> NONE;
    };
  }

  public RowColumns withNumbers(NumberColumn... added) {
    return new RowColumns(
        joined(numbers, List.of(added)), categories, sequences, marks, context, completions);
  }

  public RowColumns withCategories(String... added) {
    return new RowColumns(
        numbers, joined(categories, List.of(added)), sequences, marks, context, completions);
  }

  public RowColumns withSequences(FurtherSequence... added) {
    return new RowColumns(
        numbers, categories, joined(sequences, List.of(added)), marks, context, completions);
  }

  public RowColumns withMarks(TokenMarks... added) {
    return new RowColumns(
        numbers, categories, sequences, joined(marks, List.of(added)), context, completions);
  }

  public RowColumns withContext(String column) {
    return new RowColumns(numbers, categories, sequences, marks, column, completions);
  }

  public RowColumns withCompletions(GivenCompletions given) {
    return new RowColumns(numbers, categories, sequences, marks, context, given);
  }

  private static <T> List<T> joined(List<T> present, List<T> added) {
    return Stream.concat(present.stream(), added.stream()).toList();
  }

  /** The names of all columns of the row that are read. */
  List<String> names() {
    List<String> names = new ArrayList<>(categories);
    numbers.forEach(column -> names.add(column.name()));
    sequences.forEach(sequence -> names.addAll(sequence.columns()));
    marks.forEach(mark -> names.add(mark.column()));
    if (!context.isEmpty()) {
      names.add(context);
    }
    if (!completions.isNone()) {
      names.addAll(GivenCompletions.COLUMNS);
    }
    return names;
  }
}

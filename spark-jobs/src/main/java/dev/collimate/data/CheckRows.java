package dev.collimate.data;

import dev.collimate.text.ExamplePreparer;
import dev.collimate.text.Prepared;
import dev.collimate.text.RowShape;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import org.apache.spark.util.TaskCompletionListener;
import scala.Tuple2;

/**
 * Checks, renders and tokenizes the rows of one task. The result is keyed so that rows of one key
 * meet in input order: hash of the key, then origin.
 */
final class CheckRows implements PairFlatMapFunction<Iterator<InputRow>, String, byte[]> {

  static final String MALFORMED = "malformed";

  /** Rows that {@code data.boundary_merge: drop} asks to leave out are not bad. */
  private static final String BOUNDARY_MERGE = "boundary_merge";

  private final PreparerSource preparers;
  private final int evalSources;

  /**
   * @param evalSources number of the first source of held-out rows, whose keys are a space of their
   *     own
   */
  CheckRows(PreparerSource preparers, int evalSources) {
    this.preparers = preparers;
    this.evalSources = evalSources;
  }

  @Override
  public Iterator<Tuple2<String, byte[]>> call(Iterator<InputRow> rows) {
    if (!rows.hasNext()) {
      // No tokenizer is loaded for a task without rows.
      return Collections.emptyIterator();
    }
    PreparerSource.Open opened = preparers.open();
    TaskContext.get().addTaskCompletionListener((TaskCompletionListener) task -> opened.close());
    ExamplePreparer preparer = opened.preparer();
    ExamplePreparer heldOut = preparer.withoutCompletions();
    boolean keepsColumns = preparers.settings().shape() == RowShape.PROMPT;
    return new Iterator<>() {
      private final ArrayDeque<CheckedRow> ofOne = new ArrayDeque<>();

      @Override
      public boolean hasNext() {
        return !ofOne.isEmpty() || rows.hasNext();
      }

      @Override
      public Tuple2<String, byte[]> next() {
        if (ofOne.isEmpty()) {
          InputRow input = rows.next();
          boolean isTrain = input.origin().source() < evalSources;
          ofOne.addAll(check(isTrain ? preparer : heldOut, input, keepsColumns));
        }
        CheckedRow row = ofOne.remove();
        return new Tuple2<>(meetingKey(row), RowCodec.encode(row));
      }
    };
  }

  private static List<CheckedRow> check(
      ExamplePreparer preparer, InputRow input, boolean keepsColumns) {
    RowOrigin origin = input.origin();
    if (input instanceof InputRow.Blank) {
      return List.of(new CheckedRow.Blank(origin));
    }
    if (input instanceof InputRow.Malformed malformed) {
      return List.of(
          new CheckedRow.LeftOut(
              origin,
              CheckedRow.Outcome.QUARANTINED,
              MALFORMED,
              malformed.detail(),
              malformed.line()));
    }
    InputRow.Columns columns = (InputRow.Columns) input;
    List<Prepared> prepared = columns.prepare(preparer);
    List<CheckedRow> checked = new ArrayList<>();
    for (int i = 0; i < prepared.size(); i++) {
      RowOrigin ofSide = prepared.size() == 1 ? origin : origin.withSide(i + 1);
      checked.add(check(ofSide, prepared.get(i), columns.values(), keepsColumns));
    }
    return checked;
  }

  private static CheckedRow check(
      RowOrigin origin, Prepared prepared, Map<String, Object> values, boolean keepsColumns) {
    if (prepared instanceof Prepared.Ready ready) {
      return new CheckedRow.Ready(
          origin,
          ready.example(),
          ready.hasOwnKey(),
          ready.categories(),
          ready.notes(),
          ready.hasOwnKey() || keepsColumns ? RowJson.write(values) : "");
    }
    Prepared.Refused refused = (Prepared.Refused) prepared;
    return new CheckedRow.LeftOut(
        origin,
        refused.reason().equals(BOUNDARY_MERGE)
            ? CheckedRow.Outcome.FILTERED
            : CheckedRow.Outcome.QUARANTINED,
        refused.reason(),
        refused.detail(),
        RowJson.write(values));
  }

  private String meetingKey(CheckedRow row) {
    String origin = SortKey.ofOrigin(row.origin());
    if (!(row instanceof CheckedRow.Ready ready)) {
      return SortKey.ofHash(Digest128.of(origin)) + origin;
    }
    String space =
        (row.origin().source() < evalSources ? "train " : "eval ")
            + (ready.keyed() ? "id " : "content ");
    return SortKey.ofHash(Digest128.of(space + ready.example().key())) + origin;
  }
}

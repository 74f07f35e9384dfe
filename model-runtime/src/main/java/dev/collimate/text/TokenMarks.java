package dev.collimate.text;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A column that marks the tokens of a side's completion by how much each matters, from 0 (as any
 * other) to 1. It holds spans of the text in the side's own column, {@code [start, end]} or {@code
 * [start, end, mark]} in characters (Unicode code points, the end exclusive): a token has the
 * greatest mark of the spans that it shares a character with. Of a tokenized row it holds one mark
 * for each of the completion's ids.
 *
 * @param role of the side, which is also the name of its column
 * @param column of the marks
 */
public record TokenMarks(String role, String column) implements Serializable {

  /** A part of a text, and its mark. */
  private record Span(int start, int end, double mark) {

    boolean meets(int from, int to) {
      return from < end && to > start;
    }
  }

  /** One mark for each token. */
  float[] ofTokens(RowReader row, int tokens) throws Refusal {
    List<?> items = row.list(column, "a list of numbers, one for each token");
    if (items.size() != tokens) {
      throw invalid("has %d marks for the %d tokens of '%s'".formatted(items.size(), tokens, role));
    }
    float[] marks = new float[tokens];
    for (int t = 0; t < tokens; t++) {
      marks[t] = (float) mark(items.get(t));
    }
    return marks;
  }

  /**
   * The marks of tokens of a text.
   *
   * @param length of the text that the spans are of, in code points
   * @param offset added to a token's characters to have those of that text
   */
  float[] ofSpans(RowReader row, int length, TokenSpans tokens, int offset) throws Refusal {
    List<Span> spans = new ArrayList<>();
    for (Object item : row.list(column, "a list of spans")) {
      spans.add(span(item, length));
    }
    float[] marks = new float[tokens.ids().length];
    for (int t = 0; t < marks.length; t++) {
      int start = tokens.starts()[t] + offset;
      int end = tokens.ends()[t] + offset;
      marks[t] =
          (float)
              spans.stream()
                  .filter(span -> span.meets(start, end))
                  .mapToDouble(Span::mark)
                  .max()
                  .orElse(0);
    }
    return marks;
  }

  private Span span(Object item, int length) throws Refusal {
    if (!(item instanceof List<?> numbers) || numbers.size() < 2 || numbers.size() > 3) {
      throw invalid(
          "has the item %s, [start, end] or [start, end, mark] is expected".formatted(item));
    }
    double start = number(numbers.get(0));
    double end = number(numbers.get(1));
    if (start != Math.rint(start) || end != Math.rint(end) || start < 0 || start >= end) {
      throw invalid("has the span %s, whole numbers 0 <= start < end are expected".formatted(item));
    }
    if (end > length) {
      throw invalid("has the span %s, the text has %d characters".formatted(item, length));
    }
    return new Span((int) start, (int) end, numbers.size() == 3 ? mark(numbers.get(2)) : 1);
  }

  private double mark(Object item) throws Refusal {
    double mark = number(item);
    if (mark < 0 || mark > 1) {
      throw invalid("has the mark %s, 0 to 1 is expected".formatted(item));
    }
    return mark;
  }

  private double number(Object item) throws Refusal {
    return Optional.ofNullable(item)
        .filter(Number.class::isInstance)
        .map(value -> ((Number) value).doubleValue())
        .filter(Double::isFinite)
        .orElseThrow(() -> invalid("has the item %s, a finite number is expected".formatted(item)));
  }

  private Refusal invalid(String problem) {
    return new Refusal(Refusal.INVALID_NUMBER, "column '%s' %s".formatted(column, problem));
  }
}

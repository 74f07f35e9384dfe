package dev.collimate.reference;

import dev.collimate.data.Digest128;
import dev.collimate.data.RowFacts;
import java.util.Arrays;
import java.util.stream.IntStream;

/** The rows of a split by content. */
final class ContentIndex {

  private final RowFacts rows;
  private final int[] byContent;

  ContentIndex(RowFacts rows) {
    this.rows = rows;
    this.byContent =
        IntStream.range(0, rows.count())
            .boxed()
            .sorted(
                (a, b) -> {
                  int order = rows.contentHash(a).compareTo(rows.contentHash(b));
                  return order != 0 ? order : Integer.compare(a, b);
                })
            .mapToInt(Integer::intValue)
            .toArray();
  }

  /** The rows with this content, ascending; none where the split has no such row. */
  int[] rowsWith(Digest128 content) {
    int from = 0;
    int end = byContent.length;
    while (from < end) {
      int middle = (from + end) >>> 1;
      if (rows.contentHash(byContent[middle]).compareTo(content) < 0) {
        from = middle + 1;
      } else {
        end = middle;
      }
    }
    while (end < byContent.length && rows.contentHash(byContent[end]).equals(content)) {
      end++;
    }
    return Arrays.copyOfRange(byContent, from, end);
  }
}

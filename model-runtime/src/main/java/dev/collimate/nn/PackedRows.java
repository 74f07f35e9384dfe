package dev.collimate.nn;

import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The sequences of rows as one sequence without padding, where what the sequences of a row begin
 * with stands once. A pair with P common prompt tokens, C chosen and R rejected ones takes P + C +
 * 1 + R: the prompt's last token stands in both sides, since each predicts its own next token
 * there. (Prefix sharing for DPO, arXiv 2410.20305, with one copy of that token in front of every
 * side.)
 *
 * @param ids token ids of all segments
 * @param positions of each token within its sequence
 * @param segments parts of the ids, in order
 * @param sequences where each sequence stands, in the order of the rows
 */
record PackedRows(long[] ids, int[] positions, List<Segment> segments, List<Member> sequences) {

  /**
   * A part whose tokens attend to what they share, and to their own part up to themselves.
   *
   * @param shared tokens in front of it, which are all of the last segment that shares none
   * @param length tokens
   */
  record Segment(int shared, int length) {

    /** Position behind its last token. */
    int end() {
      return shared + length;
    }
  }

  /**
   * A sequence of a row.
   *
   * @param shared tokens that it has in common with the others
   * @param first where the token behind those stands among all ids
   */
  record Member(Sequence sequence, int shared, int first) {

    /** Where a token that is not shared stands among all ids. */
    int placeOf(int token) {
      return first + token - shared;
    }
  }

  static PackedRows of(List<List<Sequence>> rows) {
    List<Segment> segments = new ArrayList<>();
    List<Member> sequences = new ArrayList<>();
    IntStream.Builder ids = IntStream.builder();
    IntStream.Builder positions = IntStream.builder();
    int place = 0;
    for (List<Sequence> row : rows) {
      int shared = Sequence.sharedTokens(row);
      if (shared > 0) {
        place += append(row.get(0), new Segment(0, shared), segments, ids, positions);
      }
      for (Sequence sequence : row) {
        sequences.add(new Member(sequence, shared, place));
        Segment own = new Segment(shared, sequence.length() - shared);
        place += append(sequence, own, segments, ids, positions);
      }
    }
    return new PackedRows(
        ids.build().asLongStream().toArray(), positions.build().toArray(), segments, sequences);
  }

  private static int append(
      Sequence sequence,
      Segment segment,
      List<Segment> segments,
      IntStream.Builder ids,
      IntStream.Builder positions) {
    if (segment.length() > 0) {
      segments.add(segment);
    }
    for (int t = segment.shared(); t < segment.end(); t++) {
      ids.add(sequence.ids()[t]);
      positions.add(t);
    }
    return segment.length();
  }
}

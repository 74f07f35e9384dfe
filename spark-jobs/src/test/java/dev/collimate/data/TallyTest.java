package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TallyTest {

  @Test
  void whyNoRowIsLeftCountsTheFilteredOnesToo() {
    Tally tally = new Tally();
    leaveOut(tally, 0, CheckedRow.Outcome.FILTERED);
    leaveOut(tally, 1, CheckedRow.Outcome.FILTERED);
    assertThat(tally.leftOut(0, 1)).isEqualTo("2 filtered");

    leaveOut(tally, 2, CheckedRow.Outcome.QUARANTINED);
    assertThat(tally.leftOut(0, 1)).isEqualTo("2 filtered, 1 why ('a.jsonl' row 3: detail)");
  }

  private static void leaveOut(Tally tally, long index, CheckedRow.Outcome outcome) {
    RowOrigin origin = new RowOrigin(0, "/in/a.jsonl", 0, index);
    tally.add(
        new CheckedRow.LeftOut(origin, outcome, "why", "detail", "{}"), PlaceRows.Place.LEFT_OUT);
  }
}

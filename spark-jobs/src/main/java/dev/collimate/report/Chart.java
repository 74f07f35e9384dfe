package dev.collimate.report;

import java.util.List;

/**
 * A chart of the report, as its script reads it.
 *
 * @param title above the chart
 * @param note what is drawn, in one line
 * @param stacked whether the series are parts of a whole, the first at the bottom
 * @param x step of each point
 * @param series as long as {@code x} each
 */
record Chart(String title, String note, boolean stacked, List<Double> x, List<Series> series) {

  /** The colour of a series: what it is, not what it looks like. */
  enum Tone {
    MAIN,
    CHOSEN,
    REJECTED,
    HELD_OUT,
    FIRST,
    SECOND,
    THIRD,
    FOURTH,
    FIFTH,
    SIXTH
  }

  /**
   * A line, or points where only some steps have a value.
   *
   * @param values null where the step has none
   * @param points whether single points are drawn and joined over gaps
   */
  record Series(String label, Tone tone, boolean points, List<Double> values) {}
}

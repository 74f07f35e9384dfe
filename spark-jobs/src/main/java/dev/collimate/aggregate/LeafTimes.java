package dev.collimate.aggregate;

import java.util.ArrayDeque;

/** What a leaf has taken lately, and the deadlines that follow; outlives the rounds. */
final class LeafTimes {

  private static final int KEPT = 128;
  private static final double ALLOWED = 4;

  private final double firstSeconds;
  private final double slackSeconds;
  private final ArrayDeque<Double> recent = new ArrayDeque<>();

  LeafTimes(double firstSeconds, double slackSeconds) {
    this.firstSeconds = firstSeconds;
    this.slackSeconds = slackSeconds;
  }

  void measured(double seconds) {
    recent.add(seconds);
    if (recent.size() > KEPT) {
      recent.remove();
    }
  }

  /**
   * Nanoseconds until a lease of so many leaves is overdue: four times the slowest recent leaf
   * each, and slack for loading parameters and for pauses.
   */
  long allowance(int leaves) {
    double slowest = recent.stream().mapToDouble(Double::doubleValue).max().orElse(-1);
    double seconds = slowest < 0 ? firstSeconds : slackSeconds + ALLOWED * slowest * leaves;
    return (long) (seconds * 1e9);
  }
}

package dev.collimate.aggregate;

import java.util.ArrayDeque;

/** What leaves and pushes have taken lately, and what follows for leases; outlives the rounds. */
final class LeafTimes {

  private static final int KEPT = 128;
  private static final double ALLOWED = 4;

  private final double firstSeconds;
  private final double slackSeconds;
  private final ArrayDeque<Double> recent = new ArrayDeque<>();
  private final ArrayDeque<Double> pushes = new ArrayDeque<>();

  LeafTimes(double firstSeconds, double slackSeconds) {
    this.firstSeconds = firstSeconds;
    this.slackSeconds = slackSeconds;
  }

  void measured(double seconds) {
    keep(recent, seconds);
  }

  /** A sum took so long to come in. */
  void pushed(double seconds) {
    keep(pushes, seconds);
  }

  /**
   * Leaves of the next lease: half a worker's share of those that are left, so that leases shrink
   * and all workers end together, but not below what is worth its push. That in turn is never more
   * than the first leases had, nor than a worker's whole share.
   *
   * @param left that nobody has
   * @param all of the round
   */
  int lease(int left, int all, int workers) {
    int share = (left + workers - 1) / workers;
    int least = Math.min(leastLeaves(), Math.min(all / (2 * workers), share));
    return Math.max(1, Math.max(left / (2 * workers), least));
  }

  /**
   * Leaves that take as long to compute as their sum takes to push, as the medians say: with fewer
   * a worker would wait for its network. 1 while nothing has been measured.
   */
  private int leastLeaves() {
    if (recent.isEmpty() || pushes.isEmpty()) {
      return 1;
    }
    return (int) Math.max(1, Math.ceil(median(pushes) / median(recent)));
  }

  private static void keep(ArrayDeque<Double> times, double seconds) {
    times.add(seconds);
    if (times.size() > KEPT) {
      times.remove();
    }
  }

  private static double median(ArrayDeque<Double> times) {
    return times.stream().sorted().skip(times.size() / 2).findFirst().orElseThrow();
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

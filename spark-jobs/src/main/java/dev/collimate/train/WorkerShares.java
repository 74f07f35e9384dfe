package dev.collimate.train;

import dev.collimate.aggregate.RoundStats;
import java.util.Map;
import java.util.TreeMap;

/** Leaves whose results were taken, by worker, since this driver began. */
final class WorkerShares {

  private final Map<String, Integer> leavesByWorker = new TreeMap<>();

  void add(RoundStats stats) {
    stats
        .leavesByWorker()
        .forEach((place, leaves) -> leavesByWorker.merge(place.toString(), leaves, Integer::sum));
  }

  Map<String, Integer> leavesByWorker() {
    return leavesByWorker;
  }
}

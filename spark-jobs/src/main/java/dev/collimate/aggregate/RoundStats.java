package dev.collimate.aggregate;

import java.util.Map;

/**
 * How a step or a map went.
 *
 * @param seconds from the call to the result
 * @param computeSeconds mean over the workers that took part
 * @param pullSeconds mean over the workers that took part
 * @param pushSeconds mean over the workers that took part; overlaps computing
 * @param releases leaves given out again because a worker was lost, silent or late
 * @param duplicates leaf results that came a second time and were dropped
 * @param differingDuplicates of those, the ones with other bits; always 0 unless mixed
 * @param peakBuffers the most gradient vectors held at one time
 * @param leavesByWorker results that were taken, by worker
 */
public record RoundStats(
    double seconds,
    double computeSeconds,
    double pullSeconds,
    double pushSeconds,
    long releases,
    long duplicates,
    long differingDuplicates,
    int peakBuffers,
    Map<WorkerPlace, Integer> leavesByWorker) {
  public RoundStats {
    leavesByWorker = Map.copyOf(leavesByWorker);
  }

  public int workers() {
    return leavesByWorker.size();
  }
}

package dev.collimate.aggregate;

import java.util.List;
import java.util.Optional;
import java.util.function.LongFunction;

/** The bits that each leaf of a round was first seen with, and from whom. */
final class Witnesses {

  /** Two workers' results for one leaf have different bits. */
  record Conflict(int leaf, long firstWorker, long secondWorker) {

    /**
     * @param places names the worker of a session
     */
    String sentence(LongFunction<WorkerPlace> places) {
      return "micro-batch "
          + leaf
          + " came out with different bits from "
          + places.apply(firstWorker)
          + " and from "
          + places.apply(secondWorker)
          + "; the result would depend on the cluster (cluster.mixed: true admits it)";
    }
  }

  private record Witness(ResultHash hash, long worker) {}

  private final Witness[] first;
  private final boolean mixed;
  private long differing;

  /**
   * @param mixed whether differing results are counted instead of told
   */
  Witnesses(int leaves, boolean mixed) {
    this.first = new Witness[leaves];
    this.mixed = mixed;
  }

  /**
   * Holds a worker's results against those seen before.
   *
   * @param hashes of the leaves from {@code from} on
   * @return a leaf that has been seen with other bits, unless mixed
   */
  Optional<Conflict> compare(int from, List<ResultHash> hashes, long worker) {
    for (int i = 0; i < hashes.size(); i++) {
      int leaf = from + i;
      if (first[leaf] == null) {
        first[leaf] = new Witness(hashes.get(i), worker);
      } else if (!first[leaf].hash.equals(hashes.get(i))) {
        if (!mixed) {
          return Optional.of(new Conflict(leaf, first[leaf].worker, worker));
        }
        differing++;
      }
    }
    return Optional.empty();
  }

  /** Results that differed from the first of their leaf. */
  long differing() {
    return differing;
  }
}

package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.parameters.TreeNode;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What went wrong with which micro-batches of a round, and when it is too much to go on. */
final class Troubles {

  private static final int TRIES_PER_LEAF = 3;
  private static final int LOSSES_PER_LEAF = 8;

  private final WorkerRoll roll;
  private final Map<Integer, String> firstFailures = new HashMap<>();
  private final Map<Integer, Integer> failures = new HashMap<>();
  private final Map<Integer, Integer> losses = new HashMap<>();

  /**
   * @param roll knows what else went wrong in this run, and first
   */
  Troubles(WorkerRoll roll) {
    this.roll = roll;
  }

  /** Notes that a node could not be computed; returns the round's failure where that is its end. */
  Optional<CollimateException> failed(
      TreeNode node, WorkerPlace place, Request.Failed failed, long now) {
    if (failed.kind() == CollimateException.Kind.USAGE
        || failed.kind() == CollimateException.Kind.DATA) {
      return Optional.of(new CollimateException(failed.kind(), failed.sentence()));
    }
    String first =
        firstFailures.computeIfAbsent(node.from(), leaf -> place + ": " + failed.sentence());
    if (failures.merge(node.from(), 1, Integer::sum) < TRIES_PER_LEAF) {
      return Optional.empty();
    }
    return Optional.of(
        new CollimateException(
            failed.kind(),
            "%s failed %d times, first on %s; %s"
                .formatted(name(node), TRIES_PER_LEAF, first, roll.describe(now))));
  }

  /** The same for a worker's death: what takes every worker down must not go round for ever. */
  Optional<CollimateException> lost(TreeNode node, WorkerPlace place, long now) {
    int most = 0;
    for (int leaf = node.from(); leaf < node.to(); leaf++) {
      most = Math.max(most, losses.merge(leaf, 1, Integer::sum));
    }
    if (most < LOSSES_PER_LEAF) {
      return Optional.empty();
    }
    return Optional.of(
        CollimateException.resources(
            "%d workers were lost while they computed %s, the last on %s; see the executors' stderr"
                    .formatted(most, name(node), place)
                + " and spark.executor.memoryOverhead; "
                + roll.describe(now)));
  }

  private static String name(TreeNode node) {
    return node.isLeaf()
        ? "micro-batch " + node.from()
        : "one of micro-batches " + node.from() + " to " + (node.to() - 1);
  }
}

package dev.collimate.aggregate;

import dev.collimate.parameters.VectorPool;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What a round has cost so far, by worker. */
final class RoundTally {

  private static final class Share {
    private double compute;
    private double pull;
    private double push;
    private int leaves;
  }

  private final long startedAt;
  private final Map<WorkerPlace, Share> shares = new HashMap<>();

  RoundTally(long now) {
    this.startedAt = now;
  }

  void measured(WorkerPlace worker, double computeSeconds, double pullSeconds) {
    share(worker).compute += computeSeconds;
    share(worker).pull += pullSeconds;
  }

  void pushed(WorkerPlace worker, double seconds) {
    share(worker).push += seconds;
  }

  void taken(WorkerPlace worker, int leaves) {
    share(worker).leaves += leaves;
  }

  RoundStats stats(Ledger ledger, VectorPool pool, long now) {
    Map<WorkerPlace, Integer> leaves = new HashMap<>();
    shares.forEach((worker, share) -> leaves.put(worker, share.leaves));
    return new RoundStats(
        (now - startedAt) / 1e9,
        mean(share -> share.compute),
        mean(share -> share.pull),
        mean(share -> share.push),
        ledger.releases(),
        ledger.duplicates(),
        ledger.differing(),
        pool.takePeak(),
        leaves);
  }

  private Share share(WorkerPlace worker) {
    return shares.computeIfAbsent(worker, key -> new Share());
  }

  private double mean(ToDoubleFunction<Share> part) {
    return shares.values().stream().mapToDouble(part).average().orElse(0);
  }
}

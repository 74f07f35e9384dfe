package dev.collimate.aggregate;

/**
 * How many vectors of the trained parameters' size (4 bytes an entry, on the Java heap) the
 * aggregator and its clients hold at most; for the check of memory before a run starts.
 */
public final class HeapVectors {

  private HeapVectors() {}

  /**
   * Gradient sums in the driver, whatever the number of workers: {@code 2 * ceil(log2(leaves)) +
   * 4}.
   *
   * @param leaves micro-batches of the largest step
   */
  public static int ofDriver(int leaves) {
    return 2 * depth(leaves) + 4;
  }

  /**
   * In a worker: the parameters, one sum on its way to the driver, and what summing the largest
   * lease needs.
   *
   * @param leaves micro-batches of the largest step
   */
  public static int ofWorker(AggregatorConfig config, int leaves) {
    int largest = Math.min(config.maxLeaseLeaves(), leaves / (2 * config.workers()));
    return 1 + 1 + depth(Math.max(1, largest)) + 2;
  }

  /** Sums that wait for their other half while so many leaves are added: {@code ceil(log2)}. */
  public static int depth(int leaves) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(leaves - 1);
  }
}

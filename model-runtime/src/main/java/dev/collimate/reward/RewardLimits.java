package dev.collimate.reward;

import java.time.Duration;

/**
 * How a reward is asked.
 *
 * @param timeout the longest that a call may take
 * @param batchSize rows of a call, at least 1
 * @param concurrency calls at the same time, at least 1
 */
public record RewardLimits(Duration timeout, int batchSize, int concurrency) {

  /** Row by row, one after the other. */
  public static final RewardLimits USUAL = new RewardLimits(Duration.ofSeconds(60), 1, 1);

  public RewardLimits {
    if (timeout.isNegative() || timeout.isZero() || batchSize < 1 || concurrency < 1) {
      throw new IllegalArgumentException(
          "timeout %s, batch size %d and concurrency %d must be positive"
              .formatted(timeout, batchSize, concurrency));
    }
  }

  public RewardLimits withTimeout(Duration given) {
    return new RewardLimits(given, batchSize, concurrency);
  }

  public RewardLimits withBatchSize(int given) {
    return new RewardLimits(timeout, given, concurrency);
  }

  public RewardLimits withConcurrency(int given) {
    return new RewardLimits(timeout, batchSize, given);
  }
}

package dev.collimate.learn;

/**
 * The learning rate by step, as transformers' schedulers give it.
 *
 * @param type the shape after warm-up
 * @param peak the learning rate at the end of warm-up
 * @param warmupSteps steps of linear warm-up; with {@code CONSTANT} this is transformers'
 *     constant_with_warmup
 * @param totalSteps steps of the whole run
 */
public record Schedule(Type type, double peak, long warmupSteps, long totalSteps) {

  /** transformers' {@code lr_scheduler_type}. */
  public enum Type {
    CONSTANT,
    LINEAR,
    COSINE
  }

  public Schedule {
    if (warmupSteps < 0 || totalSteps < 0) {
      throw new IllegalArgumentException(
          "steps must be >= 0, got warm-up " + warmupSteps + " of " + totalSteps);
    }
  }

  /** Warm-up steps of a {@code warmup_ratio}: rounded up, as transformers does. */
  public static long warmupSteps(double ratio, long totalSteps) {
    return (long) Math.ceil(totalSteps * ratio);
  }

  /**
   * The learning rate of a step: transformers' scheduler at {@code step - 1}, since it is advanced
   * after each update.
   *
   * @param step 1 for the first
   */
  public double learningRate(long step) {
    return peak * factor(step - 1);
  }

  private double factor(long done) {
    if (done < warmupSteps) {
      return (double) done / Math.max(1, warmupSteps);
    }
    double span = Math.max(1, totalSteps - warmupSteps);
    return switch (type) {
      case CONSTANT -> 1;
      case LINEAR -> Math.max(0, (totalSteps - done) / span);
      case COSINE ->
          Math.max(0, 0.5 * (1 + StrictMath.cos(Math.PI * ((done - warmupSteps) / span))));
    };
  }
}

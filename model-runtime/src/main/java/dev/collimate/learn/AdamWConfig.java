package dev.collimate.learn;

/**
 * AdamW's constants; the learning rate comes from the {@link Schedule}.
 *
 * @param beta1 decay of the first moment, in [0, 1)
 * @param beta2 decay of the second moment, in [0, 1)
 * @param epsilon added to the root of the second moment, > 0
 * @param weightDecay on matrices only, >= 0
 */
public record AdamWConfig(double beta1, double beta2, double epsilon, double weightDecay) {

  /** transformers' defaults. */
  public static final AdamWConfig DEFAULT = new AdamWConfig(0.9, 0.999, 1e-8, 0.0);

  public AdamWConfig {
    requireIn("beta1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)");
    requireIn("beta2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)");
    requireIn("epsilon", epsilon, epsilon > 0, "> 0");
    requireIn("weightDecay", weightDecay, weightDecay >= 0, ">= 0");
  }

  private static void requireIn(String name, double value, boolean holds, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(name + " must be " + rule + ", got " + value);
    }
  }
}

package dev.collimate.nn;

/**
 * A number that a model gives for every counted token of a sequence, or SCORE, which is one of the
 * whole sequence.
 */
public enum Quantity {
  /** log p(token | what precedes it); differentiable. */
  LOG_PROB,
  /** Mean of the logits over the vocabulary at the position that predicts the token; a metric. */
  MEAN_LOGIT,
  /** Entropy of the predicted distribution in nats; differentiable. */
  ENTROPY,
  /** 1 where the token is the most probable one, else 0; a metric. */
  TOP1,
  /**
   * {@code log sum_v p(v)^2} of the predicted distribution: 0 where it is certain, {@code -log
   * vocab} where it is uniform; not differentiable.
   */
  LOG_SUM_SQUARES,
  /**
   * What the value head makes of the state before the token; differentiable, and there where the
   * model has such a head.
   */
  VALUE,
  /**
   * The numbers that a sequence classifier's head gives at the last token that is no padding;
   * differentiable, and all that such a model gives.
   */
  SCORE
}

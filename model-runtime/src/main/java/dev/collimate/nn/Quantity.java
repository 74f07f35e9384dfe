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
  SCORE,
  /**
   * {@code KL(reference || policy)} of the predicted distributions, in nats, over the whole
   * vocabulary; differentiable. Like all that follow but LAST_HIDDEN it needs a model with a
   * reference beside it.
   */
  REFERENCE_KL,
  /**
   * Means over the hidden states that the reference's layers give where they predict the token: as
   * many numbers of a token as there are layers, from the first on; not differentiable.
   */
  REFERENCE_ACTIVATIONS,
  /**
   * What the objective's own network for rewards, {@link TokenMask}, makes of the reference's
   * hidden states; differentiable by the network's parameters.
   */
  REWARD_MASK,
  /** The same of a second network, for divergences. */
  KL_MASK,
  /**
   * The policy's last hidden state, after the final norm, where it predicts the last counted token
   * of a sequence: the state of the whole sequence before its end; differentiable. As many numbers
   * as the model is wide.
   */
  LAST_HIDDEN;

  /** Whether a reference model is run beside the policy for it. */
  public boolean readsReference() {
    return switch (this) {
      case REFERENCE_KL, REFERENCE_ACTIVATIONS, REWARD_MASK, KL_MASK -> true;
      case LOG_PROB, MEAN_LOGIT, ENTROPY, TOP1, LOG_SUM_SQUARES, VALUE, SCORE, LAST_HIDDEN -> false;
    };
  }

  /** Whether a loss can be derived by it. */
  public boolean isDifferentiable() {
    return switch (this) {
      case LOG_PROB, ENTROPY, VALUE, SCORE, REFERENCE_KL, REWARD_MASK, KL_MASK, LAST_HIDDEN -> true;
      case MEAN_LOGIT, TOP1, LOG_SUM_SQUARES, REFERENCE_ACTIVATIONS -> false;
    };
  }
}

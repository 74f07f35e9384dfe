package dev.collimate.nn;

/**
 * How a decoder computes and what of it is trained.
 *
 * @param precision arithmetic of the products
 * @param recomputation whether layers are computed again for their gradients instead of being kept
 * @param trained which parameters get gradients
 */
public record DecoderOptions(Precision precision, Recomputation recomputation, Trained trained) {

  /** What is kept of a forward pass for its gradient. */
  public enum Recomputation {
    /** Everything. */
    NONE,
    /** Each layer's input; {@code gradient_checkpointing: true}. */
    LAYERS
  }

  /** Which parameters get gradients. */
  public enum Trained {
    NONE,
    ALL_WEIGHTS,
    ADAPTER
  }

  /** To read values off a model: float32, nothing trained. */
  public static DecoderOptions frozen() {
    return new DecoderOptions(Precision.FLOAT32, Recomputation.NONE, Trained.NONE);
  }

  /** To train in float32, all activations kept. */
  public static DecoderOptions training(Trained trained) {
    return new DecoderOptions(Precision.FLOAT32, Recomputation.NONE, trained);
  }
}

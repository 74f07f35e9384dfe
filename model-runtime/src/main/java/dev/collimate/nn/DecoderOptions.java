package dev.collimate.nn;

/**
 * How a decoder computes and what of it is trained.
 *
 * @param precision arithmetic of the products
 * @param recomputation whether layers are computed again for their gradients instead of being kept
 * @param trained which parameters get gradients
 * @param sharing whether what the sequences of a row begin with is computed once
 * @param values whether there is a value head, which is trained with what else is
 * @param temperature what logits are divided by before anything is read off them, so that the
 *     log-probabilities are those of tokens drawn at it; 1 for the model's own
 * @param firstParameter entry of the flat vector from which on the trained parameters stand; 0
 *     unless those of another model stand before them
 */
public record DecoderOptions(
    Precision precision,
    Recomputation recomputation,
    Trained trained,
    Sharing sharing,
    Values values,
    double temperature,
    long firstParameter) {

  /** What is kept of a forward pass for its gradient. */
  public enum Recomputation {
    /** Everything. */
    NONE,
    /** Each layer's input; {@code gradient_checkpointing: true}. */
    LAYERS
  }

  public DecoderOptions {
    if (!(temperature > 0)) {
      throw new IllegalArgumentException("temperature must be > 0, got " + temperature);
    }
  }

  /** Which parameters get gradients. */
  public enum Trained {
    NONE,
    ALL_WEIGHTS,
    ADAPTER
  }

  /** What of a row's sequences is computed together; {@code prefix_sharing}. Changes rounding. */
  public enum Sharing {
    /** Every sequence by itself. */
    NONE,
    /** What all of them begin with once. */
    PREFIXES
  }

  /** Where the values of tokens come from. */
  public enum Values {
    /** There are none. */
    NONE,
    /** A linear map of the last hidden state, of its own and zero at first. */
    HEAD,
    /** The score of a sequence classifier of one label, read at every token. */
    SCORE
  }

  /** At temperature 1. */
  public DecoderOptions(
      Precision precision,
      Recomputation recomputation,
      Trained trained,
      Sharing sharing,
      Values values) {
    this(precision, recomputation, trained, sharing, values, 1, 0);
  }

  /** Without values. */
  public DecoderOptions(
      Precision precision, Recomputation recomputation, Trained trained, Sharing sharing) {
    this(precision, recomputation, trained, sharing, Values.NONE);
  }

  /** Nothing shared. */
  public DecoderOptions(Precision precision, Recomputation recomputation, Trained trained) {
    this(precision, recomputation, trained, Sharing.NONE);
  }

  public DecoderOptions withSharing(Sharing other) {
    return new DecoderOptions(
        precision, recomputation, trained, other, values, temperature, firstParameter);
  }

  public DecoderOptions withValues(Values other) {
    return new DecoderOptions(
        precision, recomputation, trained, sharing, other, temperature, firstParameter);
  }

  public DecoderOptions withTemperature(double other) {
    return new DecoderOptions(
        precision, recomputation, trained, sharing, values, other, firstParameter);
  }

  /**
   * The same for a value model beside the model that these are of: all of its weights are trained.
   *
   * @param first entry of the flat vector from which on they stand
   */
  DecoderOptions ofValueModel(long first) {
    return new DecoderOptions(
        precision, recomputation, Trained.ALL_WEIGHTS, Sharing.NONE, Values.SCORE, 1, first);
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

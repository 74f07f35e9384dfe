package dev.collimate.bench;

import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.nn.Precision;

/**
 * What a step of generation, one token for each row, has to read and to compute.
 *
 * @param weights numbers of the weights that every step reads: all but an embedding of its own, of
 *     which a step reads a row a token
 * @param weightBytes of one of them
 * @param cacheNumbers keys and values of one token, kept in float32
 * @param attentionFlops of one new token and one token before it
 */
record DecodeCost(long weights, int weightBytes, long cacheNumbers, long attentionFlops) {

  static DecodeCost of(ModelConfig config, long parameters, Precision precision) {
    ModelConfig.Attention attention = config.attention();
    long embedding = config.tiedEmbeddings() ? 0 : (long) config.vocabSize() * config.hiddenSize();
    int layers = config.windows().size();
    return new DecodeCost(
        parameters - embedding,
        precision == Precision.BFLOAT16 ? Short.BYTES : Float.BYTES,
        2L * layers * attention.keyValueHeads() * attention.headDim(),
        4L * layers * attention.heads() * attention.headDim());
  }

  /** Bytes of weights, and of the keys and values of {@code rows} of a mean length. */
  double bytes(int rows, double length) {
    return (double) weights * weightBytes + rows * length * cacheNumbers * Float.BYTES;
  }

  /** A multiplication and an addition for each weight and row, and attention. */
  double flops(int rows, double length) {
    return rows * (2.0 * weights + length * attentionFlops);
  }
}

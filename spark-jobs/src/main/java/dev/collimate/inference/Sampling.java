package dev.collimate.inference;

import dev.collimate.generate.SamplingParams;
import java.io.Serializable;

/** Sampling parameters as they cross Spark. */
record Sampling(
    int maxNewTokens,
    double temperature,
    int topK,
    double topP,
    long seed,
    boolean ignoreEos,
    int numReturnSequences)
    implements Serializable {

  static Sampling of(SamplingParams params, int numReturnSequences) {
    return new Sampling(
        params.maxNewTokens(),
        params.temperature(),
        params.topK(),
        params.topP(),
        params.seed(),
        params.ignoreEos(),
        numReturnSequences);
  }

  SamplingParams params() {
    return new SamplingParams(maxNewTokens, temperature, topK, topP, seed, ignoreEos);
  }
}

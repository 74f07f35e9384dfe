package dev.collimate.generate;

import dev.collimate.CollimateException;
import java.io.Serializable;

/**
 * How tokens are drawn.
 *
 * @param maxNewTokens most tokens of a completion
 * @param temperature logits are divided by it; 0: always the most probable token
 * @param topK how many of the most probable tokens take part, 0: all
 * @param topP the smallest set of most probable tokens with this probability takes part, 1: all
 * @param seed together with a row's seed and the token's index it decides every draw
 * @param ignoreEos whether completions go on after an end-of-sequence token
 */
public record SamplingParams(
    int maxNewTokens, double temperature, int topK, double topP, long seed, boolean ignoreEos)
    implements Serializable {

  public SamplingParams {
    require(maxNewTokens >= 1, "max_new_tokens must be at least 1, got " + maxNewTokens);
    require(
        temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
        "temperature must be 0 or more, got " + temperature);
    require(topK >= 0, "top_k must be 0 (off) or more, got " + topK);
    require(topP > 0 && topP <= 1, "top_p must be above 0 and at most 1, got " + topP);
  }

  /** The most probable token, always. */
  public static SamplingParams greedy(int maxNewTokens) {
    return new SamplingParams(maxNewTokens, 0, 0, 1, 0, false);
  }

  public SamplingParams ignoringEos() {
    return new SamplingParams(maxNewTokens, temperature, topK, topP, seed, true);
  }

  private static void require(boolean holds, String sentence) {
    if (!holds) {
      throw CollimateException.usage(sentence);
    }
  }
}

package dev.collimate.train;

import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.Decoder;
import java.util.List;

/** Completes a prompt with the policy's most probable tokens. */
final class GreedySampler {

  private final Decoder policy;
  private final Generator generator;

  /**
   * @param policy stays open
   */
  GreedySampler(Decoder policy) {
    this.policy = policy;
    this.generator =
        new Generator(
            policy, policy.config().tokens().eos().stream().mapToInt(Integer::intValue).toArray());
  }

  /**
   * As many tokens as fit, at most those asked for; none after an empty prompt, which rows of whole
   * texts and conversations have: there is no token to go on from.
   */
  int[] complete(int[] prompt, int maxNewTokens) {
    int count = Math.min(maxNewTokens, policy.roomAfter(prompt.length));
    if (prompt.length == 0 || count < 1) {
      return new int[0];
    }
    return generator
        .generate(List.of(prompt), List.of(0L), SamplingParams.greedy(count))
        .get(0)
        .ids();
  }
}

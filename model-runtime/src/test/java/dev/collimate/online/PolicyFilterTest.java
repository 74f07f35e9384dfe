package dev.collimate.online;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.random.CounterRandom;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PolicyFilterTest {

  private static final double[] REWARDS = {0.2, 0.9, -1, 0.5, 0.2};

  @Test
  void everyPromptContributesTheIntendedRanks() {
    assertThat(PolicyFilter.NONE.weights(REWARDS)).containsExactly(1, 1, 1, 1, 1);
    assertThat(PolicyFilter.BON.weights(REWARDS)).containsExactly(0, 1, 0, 0, 0);
    assertThat(PolicyFilter.BW.weights(REWARDS)).containsExactly(0, 1, 1, 0, 0);
    assertThat(PolicyFilter.BR.weights(REWARDS)).containsExactly(0.25, 1, 0.25, 0.25, 0.25);
  }

  @Test
  void theFirstOfEqualOnesIsTheBetter() {
    assertThat(PolicyFilter.BW.weights(new double[] {1, 1, 1})).containsExactly(1, 0, 1);
  }

  @Test
  void whatCouldNotBeJudgedIsLeftOut() {
    double[] rewards = {Double.NaN, 0.5, 0.25};
    assertThat(PolicyFilter.BW.weights(rewards)).containsExactly(0, 1, 1);
    assertThat(PolicyFilter.BR.weights(rewards)).containsExactly(0, 1, 1);
  }

  /** A perfect line, with and without one wild point that has no weight. */
  @Test
  void aLineThroughThePointsExplainsAll() {
    double[] rewards = {0, 1, 2, 3};
    double[] scores = {1, 3, 5, -100};
    assertThat(PolicyFilter.rSquared(rewards, scores, new double[] {1, 1, 1, 0}, 0))
        .isCloseTo(1, within(1e-12));
  }

  /**
   * Rewards that are right at both ends of their range and wrong in its middle: the extremes
   * predict the score best, the best ones by themselves hardly at all.
   */
  @Test
  void theExtremesOfAnUnsureRewardAreBestToBeTrusted() {
    CounterRandom random = CounterRandom.of(3, "filter");
    int prompts = 400;
    int generations = 5;
    double[] rewards = new double[prompts * generations];
    double[] scores = new double[rewards.length];
    for (int i = 0; i < rewards.length; i++) {
      rewards[i] = 2 * random.child(0).uniform(i) - 1;
      double unsure = 1.5 * (1 - rewards[i] * rewards[i]);
      scores[i] = rewards[i] + unsure * random.child(1).normal(i);
    }
    double none = explained(PolicyFilter.NONE, rewards, scores, generations);
    double bestAndRest = explained(PolicyFilter.BR, rewards, scores, generations);
    double bestAndWorst = explained(PolicyFilter.BW, rewards, scores, generations);
    double best = explained(PolicyFilter.BON, rewards, scores, generations);

    assertThat(bestAndWorst).isGreaterThan(bestAndRest);
    assertThat(bestAndRest).isGreaterThan(none);
    assertThat(none).isGreaterThan(best);
  }

  private static double explained(
      PolicyFilter filter, double[] rewards, double[] scores, int generations) {
    double[] weights = new double[rewards.length];
    for (int from = 0; from < weights.length; from += generations) {
      double[] ofGroup = filter.weights(Arrays.copyOfRange(rewards, from, from + generations));
      System.arraycopy(ofGroup, 0, weights, from, generations);
    }
    return PolicyFilter.rSquared(rewards, scores, weights, 10);
  }
}

package dev.collimate.online;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.online.Advantages.Scale;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class AdvantagesTest {

  private static final Offset<Double> EXACT = within(1e-12);

  /** Mean 2, deviations -1, 0, 1, unbiased standard deviation 1. */
  @Test
  void aGroupIsComparedWithItsMean() {
    double scale = 1 / 1.0001;
    assertThat(Advantages.grouped(new double[] {1, 2, 3}, 3, Scale.GROUP).values())
        .containsExactly(new double[] {-scale, 0, scale}, EXACT);
    assertThat(Advantages.grouped(new double[] {1, 2, 3}, 3, Scale.NONE).values())
        .containsExactly(new double[] {-1, 0, 1}, EXACT);
  }

  @Test
  void aGroupOfEqualRewardsTeachesNothing() {
    Advantages advantages = Advantages.grouped(new double[] {0.5, 0.5, 1, 0}, 2, Scale.GROUP);
    assertThat(advantages.values()[0]).isZero();
    assertThat(advantages.values()[1]).isZero();
    assertThat(advantages.isAlike()).containsExactly(true, true, false, false);
  }

  @Test
  void aCompletionThatNothingJudgedIsLeftOutOfTheMean() {
    double[] rewards = {1, Double.NaN, 3, 2};
    assertThat(Advantages.grouped(rewards, 4, Scale.NONE).values())
        .containsExactly(new double[] {-1, 0, 1, 0}, EXACT);
    // Of the others: 2.5, -, 1.5, 2.
    assertThat(Advantages.leaveOneOut(rewards, 4).orZero().values())
        .containsExactly(new double[] {-1.5, 0, 1.5, 0}, EXACT);
  }

  @Test
  void oneJudgedCompletionOfAGroupHasNothingToCompareWith() {
    double[] rewards = {1, Double.NaN};
    assertThat(Advantages.grouped(rewards, 2, Scale.GROUP).values()).containsExactly(0, 0);
    assertThat(Advantages.leaveOneOut(rewards, 2).orZero().values()).containsExactly(0, 0);
  }

  @Test
  void ofTwoEachIsComparedWithTheOther() {
    assertThat(Advantages.leaveOneOut(new double[] {1, 0.25}, 2).values())
        .containsExactly(new double[] {0.75, -0.75}, EXACT);
  }

  /** A reward that does not apply is not a reward of 0. */
  @Test
  void rewardsThatApplyAreAddedUp() {
    double none = Double.NaN;
    double[][] rewards = {{1, none}, {none, 4}, {1, 4}, {none, none}};
    assertThat(Advantages.weightedSum(rewards, new double[] {2, 0.5}))
        .containsExactly(2, 2, 4, none);
  }

  /** A reward a thousand times the other drowns it, unless each is normalised by itself. */
  @Test
  void normalizedByThemselvesRewardsAreHeardAlike() {
    double[][] rewards = {{1000, 0}, {0, 1}, {1000, 1}, {0, 0}};
    double[] weights = {1, 1};
    double[] summed =
        Advantages.grouped(Advantages.weightedSum(rewards, weights), 4, Scale.GROUP).values();
    double[] normalized = Advantages.normalizedThenSummed(rewards, weights, 4).values();
    assertThat(summed[0]).isGreaterThan(summed[1] + 1);
    assertThat(normalized[0]).isCloseTo(normalized[1], within(1e-3));
    assertThat(normalized[2]).isGreaterThan(1);
  }

  @Test
  void completionsAreWholeGroups() {
    assertThatThrownBy(() -> Advantages.leaveOneOut(new double[3], 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("3 completions are not groups of 2");
  }
}

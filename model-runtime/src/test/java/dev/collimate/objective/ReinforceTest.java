package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** RLOO and REINFORCE++. */
class ReinforceTest {

  private static final Offset<Double> EXACT = within(1e-12);

  /** Sums of the tokens' KL of 0.5 each are taken off, then each is compared with the other. */
  @Test
  void leaveOneOutHasTheKlInItsReward() {
    Online rloo = JudgedRollouts.online("rloo", "beta", 0.1);
    List<Judged.Completion> completions = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      completions.add(
          new Judged.Completion(
              "prompt",
              i,
              new Sampled(new int[] {1}, new int[i + 1], true, 8),
              new double[] {1 - i},
              i == 0 ? new float[] {-1} : new float[] {-1, -2},
              new float[0],
              i == 0 ? new float[] {-1.5f} : new float[] {-1.5f, -2.5f}));
    }
    Assessment assessment = rloo.assess(new Judged(List.of("r"), List.of(1.0), completions));
    assertThat(assessment.rows().get(0).advantage()).isCloseTo(0.95 + 0.1, EXACT);
    assertThat(assessment.rows().get(1).advantage()).isCloseTo(-0.1 - 0.95, EXACT);
    assertThat(JudgedRollouts.metrics(assessment)).containsEntry("kl", 0.5);
  }

  /** Completions of 1, 2 and 3 tokens, of which the second has reward 1. */
  @Test
  void reinforcePlusPlusStandardizesOverAllTokens() {
    Online objective = JudgedRollouts.online("reinforce_plus_plus", "kl_coef", 0.0);
    Assessment assessment = objective.assess(JudgedRollouts.rollout(1, 0, 1, 0));
    // Of six tokens two are worth 1: mean 1 / 3, variance 1 / 3 * 2 / 3.
    double std = Math.sqrt(2.0 / 9);
    assertThat(assessment.rows().get(1).advantage()).isCloseTo(2 / 3.0 / std, within(1e-6));
    assertThat(assessment.rows().get(2).tokens().get("advantages"))
        .hasSize(3)
        .containsOnly((float) (-1 / 3.0 / std));
  }

  @Test
  void aReferenceIsReadWhereThereIsAKlPenalty() {
    assertThat(JudgedRollouts.online("reinforce_plus_plus").needs().reference()).isTrue();
    assertThat(JudgedRollouts.online("reinforce_plus_plus", "kl_coef", 0.0).needs().reference())
        .isFalse();
    assertThat(JudgedRollouts.online("rloo", "beta", 0.0).needs())
        .isEqualTo(new Online.Needs(2, false, false, false));
    assertThat(JudgedRollouts.online("ppo").needs())
        .isEqualTo(new Online.Needs(1, true, true, true));
  }
}

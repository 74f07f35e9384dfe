package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Objectives on pairs of completions that are written while training. */
class OnlinePairsTest {

  private static final Offset<Double> EXACT = within(1e-12);

  private static Online online(String name, Object... options) {
    LinkedHashMap<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    return (Online) Objectives.create(name, values);
  }

  /**
   * Completions of one token, two of each prompt; a negative number of tokens is one that ended.
   */
  private static Judged rollout(double... rewards) {
    List<Judged.Completion> completions = new ArrayList<>();
    for (int i = 0; i < rewards.length; i++) {
      completions.add(
          new Judged.Completion(
              "prompt-" + i / 2,
              i % 2,
              new Sampled(new int[] {1}, new int[1], /* ended= */ i != 0, 8),
              new double[] {rewards[i]},
              new float[0],
              new float[0],
              new float[] {-1}));
    }
    return new Judged(List.of("r"), List.of(1.0), completions);
  }

  @ParameterizedTest
  @ValueSource(strings = {"online_dpo", "xpo"})
  void theCompletionWithMoreRewardIsChosenAndTheFirstWhereBothHaveAsMuch(String name) {
    Assessment assessment = online(name).assess(rollout(1, 2, 3, 0, 5, 5));
    assertThat(assessment.rows().stream().map(Assessment.Row::completions))
        .containsExactly(
            Map.of("chosen", 1, "rejected", 0),
            Map.of("chosen", 2, "rejected", 3),
            Map.of("chosen", 4, "rejected", 5));
    assertThat(assessment.rows()).allSatisfy(row -> assertThat(row.weight()).isEqualTo(1));
    assertThat(mean(assessment, "frac_reward_zero_std")).isCloseTo(1 / 3.0, EXACT);
  }

  /** Of margins 1, 3 and 0. */
  @Test
  void scoresAreReportedAsTrlDoes() {
    Assessment online = online("online_dpo").assess(rollout(1, 2, 3, 0, 5, 5));
    assertThat(mean(online, "objective/scores_margin")).isCloseTo(4 / 3.0, EXACT);
    assertThat(mean(online, "objective/scores")).isCloseTo(16 / 6.0, EXACT);
    assertThat(mean(online, "val/contain_eos_token")).isCloseTo(5 / 6.0, EXACT);
    Assessment xpo = online("xpo").assess(rollout(1, 2, 3, 0, 5, 5));
    assertThat(mean(xpo, "objective/model_scores")).isCloseTo(3, EXACT);
    assertThat(mean(xpo, "objective/ref_scores")).isCloseTo(7 / 3.0, EXACT);
    assertThat(mean(xpo, "objective/scores_margin")).isCloseTo(2 / 3.0, EXACT);
    assertThat(mean(xpo, "val/model_contain_eos_token")).isCloseTo(2 / 3.0, EXACT);
    assertThat(mean(xpo, "val/ref_contain_eos_token")).isCloseTo(1, EXACT);
  }

  /** The first completion of all was cut. */
  @Test
  void aCutCompletionPaysThePenalty() {
    Judged rollout = rollout(2, 1, 2, 1);
    assertThat(online("online_dpo").assess(rollout).rows().get(0).completions())
        .containsEntry("chosen", 0);
    assertThat(
            online("online_dpo", "missing_eos_penalty", "1.5").assess(rollout).rows().stream()
                .map(row -> row.completions().get("chosen")))
        .containsExactly(1, 2);
    assertThat(
            online("nash_md", "missing_eos_penalty", "1.0").assess(rollout).rows().stream()
                .map(row -> row.given()[0]))
        .containsExactly(0.5, 1 / (1 + StrictMath.exp(-1)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"online_dpo", "xpo", "nash_md"})
  void aPairThatLostARewardIsNotTrainedOn(String name) {
    Assessment assessment = online(name).assess(rollout(1, Double.NaN, 2, 1));
    assertThat(assessment.rows().stream().map(Assessment.Row::weight)).containsExactly(0.0, 1.0);
  }

  @Test
  void theReferenceWritesTheOpponent() {
    assertThat(online("online_dpo").referenceShare(1)).isZero();
    assertThat(online("xpo").referenceShare(0)).isZero();
    assertThat(online("xpo").referenceShare(1)).isEqualTo(1);
    assertThat(online("nash_md").referenceShare(0)).isZero();
    assertThat(online("nash_md", "mixture_coef", 0.25).referenceShare(1)).isEqualTo(0.25);
  }

  private static Row pair(double chosen, double rejected, double isFirstChosen) {
    Map<String, double[]> policy =
        Map.of("chosen", new double[] {chosen, -1}, "rejected", new double[] {rejected});
    Reference reference = new Reference(Map.of("chosen", -3.0, "rejected", -2.0), Map.of());
    return Row.of(policy, reference).with(reference, 1, OfRollout.given(3, 1, isFirstChosen));
  }

  /** The log-ratios are -2 - 1 + 3 = 0 and -4 + 2 = -2, the margin 2. */
  @Test
  void thePairsLossIsDposOrTheSquaredDistanceOfTheMargin() {
    ObjectiveStep.Result step =
        ObjectiveStep.first(online("online_dpo", "beta", 0.5), List.of(pair(-2, -4, 1)));
    assertThat(step.loss()).isCloseTo(StrictMath.log1p(StrictMath.exp(-1)), EXACT);
    double slope = -0.5 / (1 + StrictMath.exp(1));
    assertThat(step.gradients().get(0).get("chosen")).containsExactly(slope, slope);
    assertThat(step.gradients().get(0).get("rejected")).containsExactly(-slope);
    assertThat(step.metric("objective/kl")).isCloseTo(-1, EXACT);
    assertThat(step.metric("objective/non_score_reward")).isCloseTo(0.5, EXACT);
    assertThat(step.metric("objective/rlhf_reward")).isCloseTo(2 + 0.5, EXACT);
    assertThat(step.metric("objective/entropy")).isCloseTo(3.5, EXACT);
    assertThat(step.metric("rewards/margins")).isCloseTo(1, EXACT);

    Online ipo = online("online_dpo", "beta", 0.5, "loss_type", "ipo");
    assertThat(ObjectiveStep.first(ipo, List.of(pair(-2, -5, 1))).loss()).isCloseTo(4, EXACT);
  }

  /** The reference's completion is rejected in the first row, chosen in the second. */
  @Test
  void xpoPushesTheReferencesCompletionDown() {
    Online xpo = online("xpo", "beta", 0.5, "alpha", 0.1);
    ObjectiveStep.Result step = ObjectiveStep.first(xpo, List.of(pair(-2, -4, 1), pair(-2, -4, 0)));
    double ofPair = StrictMath.log1p(StrictMath.exp(-1));
    assertThat(step.loss()).isCloseTo(ofPair + 0.1 * (-4 - 3) / 2, EXACT);
    assertThat(step.metric("loss/dpo")).isCloseTo(ofPair, EXACT);
    assertThat(step.metric("loss/xpo")).isCloseTo(0.1 * -3.5, EXACT);
    double slope = -0.25 / (1 + StrictMath.exp(1));
    assertThat(step.gradients().get(0).get("rejected")[0]).isCloseTo(-slope + 0.05, EXACT);
    assertThat(step.gradients().get(1).get("chosen")[0]).isCloseTo(slope + 0.05, EXACT);
  }

  /** Log-ratios 0.5 and -1, of log-probabilities -1 and -2; the preference is 0.75. */
  @Test
  void nashMdReinforcesWhatWinsAndHoldsItToTheReference() {
    Row row =
        Row.ofRollout(
            new double[] {-1, -2},
            Map.of("completion", new float[] {-1.5f, -1}),
            OfRollout.given(0.75, 2, 1));
    ObjectiveStep.Result step = ObjectiveStep.first(online("nash_md", "beta", 0.2), List.of(row));
    assertThat(step.loss()).isCloseTo(0.2 * (-0.5 + 2) - 0.25 * -3, EXACT);
    assertThat(step.gradients().get(0).get("completion"))
        .containsExactly(new double[] {0.2 * 0.5 - 0.25, 0.2 * -1 - 0.25}, EXACT);
    assertThat(step.metric("loss/kl")).isCloseTo(-0.5, EXACT);
    assertThat(step.metric("loss/score")).isCloseTo(-0.75, EXACT);
    assertThat(step.metric("rewards/probabilities")).isCloseTo(0.75, EXACT);
  }

  private static double mean(Assessment assessment, String name) {
    double sum = 0;
    double weight = 0;
    for (RowLoss.Metric metric : assessment.metrics()) {
      if (metric.name().equals(name)) {
        sum += metric.sum();
        weight += metric.weight();
      }
    }
    return sum / weight;
  }
}

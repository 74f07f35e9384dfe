package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GrpoTest {

  private static final Offset<Double> EXACT = within(1e-12);
  private static final double MAX_LENGTH = 16;

  private static Online grpo(Object... options) {
    return JudgedRollouts.online("grpo", options);
  }

  /** A completion whose policy was the old one, log-probabilities 0.5 below the reference's. */
  private static Row row(double advantage, double... policy) {
    return row(advantage, policy, floats(policy, 0));
  }

  private static Row row(double advantage, double[] policy, float[] old) {
    Map<String, float[]> tokens = Map.of("completion", floats(policy, 0.5f), "old", old);
    return Row.ofRollout(policy, tokens, OfRollout.given(advantage, MAX_LENGTH));
  }

  private static float[] floats(double[] values, float more) {
    float[] floats = new float[values.length];
    for (int t = 0; t < floats.length; t++) {
      floats[t] = (float) values[t] + more;
    }
    return floats;
  }

  /** Row and token: 2 * 1 + -1 * 3 over 4 tokens; mean of row means; over rows and 16. */
  @Test
  void whatTheSumIsDividedByIsTheLossTypes() {
    List<Row> rows = List.of(row(2, -1), row(-1, -1, -2, -3));
    assertThat(loss("dapo", rows)).isCloseTo((-2 + 3) / 4.0, EXACT);
    assertThat(loss("bnpo", rows)).isCloseTo((-2 + 3) / 4.0, EXACT);
    assertThat(loss("grpo", rows)).isCloseTo((-2 + 1) / 2.0, EXACT);
    assertThat(loss("dr_grpo", rows)).isCloseTo((-2 + 3) / (2 * MAX_LENGTH), EXACT);
    Objective luspo = grpo("loss_type", "luspo", "importance_sampling_level", "sequence");
    assertThat(ObjectiveStep.first(luspo, rows).loss()).isCloseTo((-2 + 3) / 2.0, EXACT);
  }

  private static double loss(String lossType, List<Row> rows) {
    return ObjectiveStep.first(grpo("loss_type", lossType), rows).loss();
  }

  /** At the old policy the gradient is the advantage's, whatever bounds the ratio elsewhere. */
  @ParameterizedTest
  @ValueSource(strings = {"dapo", "cispo", "vespo", "sapo"})
  void atTheOldPolicyEveryLossHasOneGradient(String lossType) {
    Objective objective =
        grpo("loss_type", lossType, "epsilon_high", "5.0", "sapo_temperature_neg", 1.0);
    ObjectiveStep.Result step =
        ObjectiveStep.first(objective, List.of(row(1.5, -1, -2), row(-0.5, -1, -0.5)));
    // Per token over 4 tokens; sapo means over the rows' 2, then over 2 rows.
    assertThat(step.gradients().get(0).get("completion"))
        .containsExactly(new double[] {-1.5 / 4, -1.5 / 4}, within(1e-9));
    assertThat(step.gradients().get(1).get("completion"))
        .containsExactly(new double[] {0.5 / 4, 0.5 / 4}, within(1e-9));
  }

  /** Without old log-probabilities the policy is the old one: ratio 1, gradient the advantage's. */
  @Test
  void aRolloutThatOneStepUsesUpNeedsNoOldLogProbabilities() {
    double[] policy = {-1, -2};
    Row without =
        Row.ofRollout(policy, Map.of("completion", new float[2]), OfRollout.given(2, MAX_LENGTH));
    ObjectiveStep.Result step = ObjectiveStep.first(grpo(), List.of(without));
    assertThat(step.loss()).isCloseTo(-2, EXACT);
    assertThat(step.gradients().get(0).get("completion"))
        .containsExactly(new double[] {-1, -1}, EXACT);
    assertThat(step.metric("clip_ratio/region_mean")).isZero();
  }

  /** Ratio e^3 and e^-3: without bounds it is the policy gradient with importance weights. */
  @Test
  void withoutBoundsNothingIsClipped() {
    double[] policy = {-1, -2};
    float[] old = {-4, 1};
    Objective wide = grpo("epsilon", 1.0, "epsilon_high", "1e9", "loss_type", "grpo");
    ObjectiveStep.Result step =
        ObjectiveStep.first(wide, List.of(row(1, policy, old), row(-1, policy, old)));
    assertThat(step.loss()).isCloseTo(0, EXACT);
    assertThat(step.gradients().get(0).get("completion"))
        .containsExactly(new double[] {-Math.exp(3) / 4, -Math.exp(-3) / 4}, EXACT);
    assertThat(step.metric("clip_ratio/region_mean")).isZero();
  }

  /** Of a ratio e^3 a positive advantage counts 1.2 times without gradient, a negative one e^3. */
  @Test
  void aRatioIsClippedWhereTheAdvantageDrivesItFurther() {
    double[] policy = {-1};
    float[] old = {-4};
    ObjectiveStep.Result step =
        ObjectiveStep.first(grpo(), List.of(row(1, policy, old), row(-1, policy, old)));
    assertThat(step.loss()).isCloseTo((-1.2 + Math.exp(3)) / 2, EXACT);
    assertThat(step.gradients().get(0).get("completion")).containsExactly(0);
    assertThat(step.metric("clip_ratio/high_mean")).isEqualTo(0.5);
    assertThat(step.metric("clip_ratio/low_mean")).isZero();
    ObjectiveStep.Result held =
        ObjectiveStep.first(grpo("delta", "2.0"), List.of(row(-1, policy, old)));
    assertThat(held.loss()).isCloseTo(2, EXACT);
    assertThat(held.gradients().get(0).get("completion")).containsExactly(0);
  }

  @Test
  void oneTokenIsASequence() {
    List<Row> rows = List.of(row(1, new double[] {-1}, new float[] {-1.5f}));
    assertThat(ObjectiveStep.first(grpo("importance_sampling_level", "sequence"), rows).loss())
        .isEqualTo(ObjectiveStep.first(grpo(), rows).loss());
  }

  /** e^0.5 - 0.5 - 1 for each token. */
  @Test
  void theKlIsPenalized() {
    List<Row> rows = List.of(row(2, -1, -3));
    ObjectiveStep.Result step = ObjectiveStep.first(grpo("beta", 0.1), rows);
    double kl = Math.exp(0.5) - 1.5;
    assertThat(step.loss()).isCloseTo(-2 + 0.1 * kl, EXACT);
    assertThat(step.metric("kl")).isCloseTo(kl, EXACT);
    assertThat(grpo().declaration().reference()).isEqualTo(ReferenceUse.NONE);
    assertThat(grpo("beta", 0.1).declaration().reference()).isEqualTo(ReferenceUse.TOKENS);
  }

  @Test
  void aCompletionWithoutATokenCostsNothing() {
    List<Row> rows = List.of(row(2), row(1, -1, -1));
    assertThat(loss("dapo", rows)).isCloseTo(-1, EXACT);
    assertThat(loss("grpo", rows)).isCloseTo(-0.5, EXACT);
  }

  @Test
  void truncatedCompletionsAreLeftOutWhereAsked() {
    Sampled cut = new Sampled(new int[] {5, 6}, new int[] {7, 8}, false, 2);
    assertThat(grpo().sequence(cut).countedTokens()).isEqualTo(2);
    assertThat(grpo().sequence(cut).ids()).containsExactly(5, 6, 7, 8);
    assertThat(grpo("mask_truncated_completions", true).sequence(cut).countedTokens()).isZero();
    Sampled ended = new Sampled(new int[] {5}, new int[] {7, 2}, true, 2);
    assertThat(grpo("mask_truncated_completions", true).sequence(ended).countedTokens())
        .isEqualTo(2);
  }

  /** Entropies 1 to 4 in two rows; the upper half is 3 and 4. */
  @Test
  void theLeastCertainTokensTeach() {
    List<Row> rows = List.of(withEntropy(row(1, -1, -1), 1, 4), withEntropy(row(1, -1, -1), 3, 2));
    ObjectiveStep.Result step = ObjectiveStep.first(grpo("top_entropy_quantile", 0.5), rows);
    assertThat(step.loss()).isCloseTo(-2 / 4.0, EXACT);
    assertThat(step.gradients().get(0).get("completion"))
        .containsExactly(new double[] {0, -0.25}, EXACT);
    assertThat(step.gradients().get(1).get("completion"))
        .containsExactly(new double[] {-0.25, 0}, EXACT);
  }

  /** The mean entropy is 2.5, of the upper half 3.5. */
  @Test
  void entropyIsRewardedPerTokenThatTeaches() {
    List<Row> rows = List.of(withEntropy(row(0, -1, -1), 1, 4), withEntropy(row(0, -1, -1), 3, 2));
    assertThat(ObjectiveStep.first(grpo("entropy_coef", 0.1), rows).loss())
        .isCloseTo(-0.1 * 2.5, EXACT);
    Objective half = grpo("entropy_coef", 0.1, "top_entropy_quantile", 0.5, "loss_type", "grpo");
    ObjectiveStep.Result step = ObjectiveStep.first(half, rows);
    assertThat(step.loss()).isCloseTo(-0.1 * 3.5, EXACT);
    assertThat(step.gradients().get(0).get(Quantity.ENTROPY.name()))
        .containsExactly(new double[] {0, -0.1 / 2}, EXACT);
    Objective perToken = grpo("entropy_coef", 0.1, "top_entropy_quantile", 0.5);
    assertThat(ObjectiveStep.first(perToken, rows).loss()).isCloseTo(-0.1 * 7 / 4, EXACT);
  }

  /** Mean 2.5: below a target of 3 the strength rises and counts from the next step on. */
  @Test
  void theBonusFollowsItsTarget() {
    List<Row> rows = List.of(withEntropy(row(0, -1, -1), 1, 4), withEntropy(row(0, -1, -1), 3, 2));
    Objective objective =
        grpo("use_adaptive_entropy", true, "entropy_coef", 0.1, "entropy_target", 3.0);
    ObjectiveStep.Result first = ObjectiveStep.first(objective, rows);
    assertThat(first.loss()).isZero();
    assertThat(first.state()).containsExactly(new double[] {0.105, 2.5}, EXACT);
    ObjectiveStep.Result second = ObjectiveStep.run(objective, rows, first.state(), new double[0]);
    assertThat(second.loss()).isCloseTo(-0.105 * 2.5, EXACT);
    Objective low = grpo("use_adaptive_entropy", true, "entropy_coef", 0.1, "entropy_target", 2.0);
    assertThat(ObjectiveStep.first(low, rows).state())
        .containsExactly(new double[] {0.095, 2.5}, EXACT);
  }

  private static Row withEntropy(Row row, double... entropies) {
    Map<Quantity, float[]> quantities =
        Map.of(Quantity.ENTROPY, floats(entropies, 0), Quantity.LOG_PROB, new float[2]);
    Row read =
        new Row(
            row.key(),
            row.policy(),
            Map.of("completion", quantities),
            row.reference(),
            Map.of(),
            1);
    return read.with(
        row.reference(),
        1,
        new OfRollout(row.rollout().given(), Map.of(), Map.of(Quantity.ENTROPY, entropies)));
  }

  @Test
  void completionsFarFromTheOldPolicyAreLeftOutWhereTheyWereBad() {
    double[] policy = {-3, -3};
    float[] old = {-1, -1};
    Objective objective = grpo("off_policy_mask_threshold", "1.5");
    assertThat(ObjectiveStep.first(objective, List.of(row(-1, policy, old))).loss()).isZero();
    assertThat(ObjectiveStep.first(objective, List.of(row(1, policy, old))).loss()).isNotZero();
    assertThat(
            ObjectiveStep.first(
                    grpo("off_policy_mask_threshold", "2.5"), List.of(row(-1, policy, old)))
                .loss())
        .isNotZero();
  }

  @Test
  void aFilterTrainsOnTheBestAndTheWorst() {
    Online objective = grpo("num_generations", 4.0, "policy_filter", "bw");
    Assessment assessment = objective.assess(JudgedRollouts.rollout(4, 1, 5, 3, 2));
    assertThat(assessment.rows().stream().map(Assessment.Row::weight))
        .containsExactly(1.0, 1.0, 0.0, 0.0);
    double unit = 2 / (Math.sqrt(8) + 1e-4);
    assertThat(assessment.rows().stream().mapToDouble(Assessment.Row::advantage))
        .containsExactly(-unit, unit, 0.0, 0.0);
  }

  /** True scores equal the rewards of the best and the worst, not of those between. */
  @Test
  void whatEachFilterWouldExplainIsReported() {
    List<Judged.Completion> completions = new ArrayList<>();
    double[] rewards = {1, 0.75, 0.25, 0, 1, 0.75, 0.25, 0};
    double[] truths = {1, 0, 1, 0, 1, 1, 0, 0};
    for (int i = 0; i < rewards.length; i++) {
      Judged.Completion plain = JudgedRollouts.rollout(4, new double[8]).completions().get(i);
      completions.add(
          new Judged.Completion(
              plain.promptKey(),
              plain.sample(),
              plain.sampled(),
              new double[] {rewards[i], truths[i]},
              new float[0],
              new float[0],
              new float[0]));
    }
    Judged judged = new Judged(List.of("model", "checked"), List.of(1.0, 0.0), completions);
    Map<String, Double> metrics =
        JudgedRollouts.metrics(
            grpo("num_generations", 4.0, "policy_filter_truth", "checked").assess(judged));
    assertThat(metrics.get("reward_r2/bw")).isCloseTo(1, EXACT);
    assertThat(metrics.get("reward_r2/none")).isLessThan(0.9);
    assertThatThrownBy(
            () -> grpo("num_generations", 4.0, "policy_filter_truth", "right").assess(judged))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "objective.policy_filter_truth: no reward is called 'right'; there are [model, checked]");
  }

  @Test
  void withoutAFilterEveryCompletionCountsAsItDoes() {
    Assessment plain = grpo("num_generations", 4.0).assess(JudgedRollouts.rollout(4, 1, 5, 3, 2));
    Assessment named =
        grpo("num_generations", 4.0, "policy_filter", "none")
            .assess(JudgedRollouts.rollout(4, 1, 5, 3, 2));
    assertThat(named.rows().stream().map(Assessment.Row::advantage).toList())
        .isEqualTo(plain.rows().stream().map(Assessment.Row::advantage).toList());
    assertThat(named.rows()).allSatisfy(row -> assertThat(row.weight()).isEqualTo(1));
  }

  @Test
  void theRolloutIsReportedUnderTrlsNames() {
    Map<String, Double> metrics =
        JudgedRollouts.metrics(
            grpo("num_generations", 2.0).assess(JudgedRollouts.rollout(2, 1, 1, 0, 1)));
    assertThat(metrics)
        .containsEntry("reward", 0.75)
        .containsEntry("reward_std", 0.5)
        .containsEntry("rewards/exact/mean", 0.75)
        .containsEntry("frac_reward_zero_std", 0.5)
        .containsEntry("completions/mean_length", 2.5)
        .containsEntry("completions/min_length", 1.0)
        .containsEntry("completions/max_length", 4.0)
        .containsEntry("completions/max_terminated_length", 3.0)
        .containsEntry("completions/clipped_ratio", 0.25);
  }

  @Test
  void completionsOfAPromptStandTogether() {
    assertThatThrownBy(() -> grpo("num_generations", 2.0).assess(JudgedRollouts.rollout(1, 1, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "completion 1, of prompt 'prompt-1', does not stand in a group of 2 of its prompt");
  }

  @Test
  void optionsThatDoNotGoTogetherAreRefused() {
    assertThatThrownBy(() -> grpo("loss_type", "luspo"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "objective.importance_sampling_level: must be sequence with loss_type luspo, which weighs whole completions");
    assertThatThrownBy(() -> grpo("num_generations", 2.5))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.num_generations: must be a whole number");
  }

  @Test
  void cispoSaysThatItsBoundIsTheRatioItself() {
    assertThat(grpo("loss_type", "cispo").warnings())
        .containsExactly(
            "objective.epsilon_high: with loss_type cispo the ratio is held at 0.2 itself; usual is 5");
    assertThat(grpo().warnings()).isEmpty();
  }
}

package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers worked by hand, and what the objectives become in their limits. */
class PairObjectivesTest {

  private static final Offset<Double> HAND = within(1e-6);
  private static final Offset<Double> EXACT = within(1e-12);

  private static double loss(String name, Map<String, Object> options, TestRow row) {
    return TestBatch.first(Objectives.create(name, options), row).loss();
  }

  private static double dpo(double beta, TestRow row) {
    return loss("dpo", Map.of("beta", beta), row);
  }

  private static double softplus(double x) {
    return Math.log1p(Math.exp(x));
  }

  /** Derivative of the loss by a role's first token. */
  private static double gradient(
      String name, Map<String, Object> options, TestRow row, String role) {
    TestBatch batch = TestBatch.first(Objectives.create(name, options), row);
    batch.differentiate(batch.plan());
    return row.gradient(role)[0];
  }

  private static TestRow scored(double margin, double chosen, double rejected) {
    return TestRow.pair(margin, 0)
        .scalar("chosen_score", chosen)
        .scalar("rejected_score", rejected);
  }

  /** softplus(-(0.3 - offset)): ln 3 = 1.0986123, ln 0.001 = -6.9077553, ln(5/2) = 0.9162907. */
  @ParameterizedTest
  @CsvSource({
    "log, 5, 2, 1.0986123",
    "log, 2, 2, -6.9077553",
    "log, 1, 2, -6.9077553",
    "identity, 5, 2, 3",
    "identity, 1, 2, -1",
    "ratio, 5, 2, 0.9162907"
  })
  void theOffsetOfOdpoFollowsTheScores(
      String function, double chosen, double rejected, double offset) {
    assertThat(loss("odpo", Map.of("offset_fn", function), scored(3, chosen, rejected)))
        .isCloseTo(softplus(offset - 0.3), HAND);
  }

  /** {@code dL/dh = -beta * sigmoid(Delta - beta * h)}. */
  @Test
  void theGradientOfOdpoIsThatOfTheCard() {
    Map<String, Object> identity = Map.of("offset_fn", "identity", "alpha", 0.5);
    assertThat(gradient("odpo", identity, scored(3, 5, 2), "chosen"))
        .isCloseTo(-0.1 * Scalar.sigmoid(1.5 - 0.3), EXACT);
  }

  /** beta * M - gamma * g = 0.3 - 0.2 = 0.1. */
  @Test
  void reversePreferencesAskForAMarginPerConstraint() {
    TestRow row = TestRow.pair(3, 0).scalar("constraint_gap", 2);
    assertThat(loss("reverse_po", Map.of("gamma", 0.1), row)).isCloseTo(0.6443967, HAND);
  }

  /** The chain rule: a prefix that both answers share adds the same to both. */
  @Test
  void whereTheLastStatementAloneDiffersItsMarginIsThatOfTheWholeAnswers() {
    TestRow whole =
        new TestRow("whole")
            .tokens("chosen", new double[] {-1, -2, -0.5}, new float[] {-1.5f, -1, -0.25f})
            .tokens("rejected", new double[] {-1, -2, -3}, new float[] {-1.5f, -1, -2});
    TestRow step =
        new TestRow("step")
            .tokens("chosen", new double[] {-0.5}, new float[] {-0.25f})
            .tokens("rejected", new double[] {-3}, new float[] {-2})
            .scalar("statement", 3);
    assertThat(loss("citation_apo", Map.of(), step)).isCloseTo(dpo(0.1, whole), EXACT);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "0.5, 1.097603",
    "1, 1.089430",
    "2, 1",
    "3, 0.944988",
    "5, 0.942273",
    "-1, 0.756903",
    "-2, 1",
    "-7, 1"
  })
  void aRewardModelsMarginWeighsThePair(double margin, double weight) {
    TestRow row = TestRow.pair(3, 0).scalar("rm_margin", margin);
    assertThat(loss("madpo", Map.of("tau", 2.0), row) / dpo(0.1, row)).isCloseTo(weight, HAND);
  }

  @ParameterizedTest
  @CsvSource({"0, 1.680479", "0.5, 1.537158", "3, 0.733044", "2, 1"})
  void theCoefficientFallsFromItsMaximumToItsMinimum(double margin, double coefficient) {
    Madpo madpo = (Madpo) Objectives.create("madpo", Map.of("tau", 2.0));
    assertThat(madpo.coefficient(margin)).isCloseTo(coefficient, HAND);
  }

  @Test
  void theWeightIsContinuousAndBelowTwo() {
    Madpo madpo = (Madpo) Objectives.create("madpo", Map.of("tau", 2.0));
    for (double edge : new double[] {-2, 2}) {
      assertThat(madpo.weight(edge + 1e-9)).isCloseTo(madpo.weight(edge - 1e-9), within(1e-8));
    }
    for (double margin = -20; margin <= 20; margin += 0.01) {
      assertThat(madpo.weight(margin)).as("weight at %s", margin).isBetween(1e-9, 2.0);
    }
    assertThat(madpo.weight(1e4)).isCloseTo(1, EXACT);
    assertThat(madpo.weight(-1e4)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-3, -1, 0, 0.5, 2.9})
  void napoLiesBetweenDpoAndTheAbsoluteError(double margin) {
    TestRow row = TestRow.pair(margin, 0);
    Map<String, Object> unit = Map.of("beta", 1.0, "q", "1");
    assertThat(loss("napo", Map.of("beta", 1.0, "q", "0.001"), row))
        .isCloseTo(dpo(1, row), within(0.006));
    assertThat(loss("napo", unit, row)).isCloseTo(Scalar.sigmoid(-margin), EXACT);
    assertThat(gradient("napo", Map.of("beta", 1.0, "q", "0.3"), row, "chosen"))
        .isCloseTo(-Math.pow(Scalar.sigmoid(margin), 0.3) * Scalar.sigmoid(-margin), EXACT);
  }

  /** hbar = (3 - 1) / 2 = 1, q = 2 * (1 - sigmoid(0.5)) = 0.7550813. */
  @Test
  void theExponentOfNapoFollowsTheMeanMarginOfTheWholeBatch() {
    Objective napo = Objectives.create("napo", Map.of("alpha", 0.5));
    assertThat(TestBatch.first(napo, TestRow.pair(3, 0), TestRow.pair(0, 1)).plan().shared())
        .containsExactly(new double[] {0.7550813}, HAND);
    assertThat(TestBatch.first(napo, TestRow.pair(2, 0), TestRow.pair(0, 2)).plan().shared())
        .containsExactly(1);
    assertThat(TestBatch.first(napo, TestRow.pair(1e4, 0)).plan().shared()).containsExactly(0.001);
    assertThat(TestBatch.first(napo, TestRow.pair(-50, 0)).plan().shared()).containsExactly(1);
  }

  @Test
  void napoTakesFurtherRejectedAnswersBesideDpo() {
    TestRow row = TestRow.pair(3, 1).tokens("rejected_1", 0).tokens("rejected_2", -1);
    Map<String, Object> options =
        Map.of("extra_rejected", "2", "q", "1", "w0", 2.0, "w1", 3.0, "w2", 0.5);
    double expected = 2 * dpo(0.1, row) + 3 * Scalar.sigmoid(-0.3) + 0.5 * Scalar.sigmoid(-0.4);
    assertThat(loss("napo", options, row)).isCloseTo(expected, EXACT);
  }

  /** Mean log-probabilities -1 and -2: softplus((1 - 2) / 0.5) = softplus(-2). */
  @Test
  void dppoIsSimpoWithoutMarginAndAnInverseTemperature() {
    TestRow row = new TestRow("lists").tokens("chosen", -0.5, -1.5).tokens("rejected", -1, -2, -3);
    assertThat(loss("dppo", Map.of("temperature", 0.5), row)).isCloseTo(softplus(-2), EXACT);
    assertThat(loss("weighted_simpo", Map.of("beta", 2.0, "gamma", 0.0, "sft_weight", 0.0), row))
        .isCloseTo(softplus(-2), EXACT);
  }

  /** {@code dL/dd_r = -lam / T * sigmoid((d_c - lam * d_r) / T)}, and d_r = -logp_r. */
  @Test
  void dppoIsConservativeWhereLamIsBelowOne() {
    TestRow row = new TestRow("pair").tokens("chosen", -1).tokens("rejected", -2);
    assertThat(gradient("dppo", Map.of("lam", 0.25, "temperature", 0.5), row, "rejected"))
        .isCloseTo(0.25 / 0.5 * Scalar.sigmoid((1 - 0.25 * 2) / 0.5), EXACT);
    assertThat(gradient("dppo", Map.of("lam", 0.0), row, "rejected")).isZero();
  }

  /** a = -1.2 and c = (-1.0 - 0.8 - 1.5) / 3 = -1.1. */
  @Test
  void poftPrefersThePolicyToItsCommittee() {
    TestRow row =
        new TestRow("demonstration").tokens("completion", -1.2).scalar("mean_log_llm_probs", -1.1);
    assertThat(loss("poft", Map.of(), row)).isCloseTo(0.7443967, HAND);
    assertThat(gradient("poft", Map.of(), row, "completion")).isCloseTo(-0.5249792, HAND);
  }

  @Test
  void poftUnderASureCommitteeIsSupervisedFineTuningByMeans() {
    TestRow row =
        new TestRow("demonstration").tokens("completion", -1, -2).scalar("mean_log_llm_probs", 50);
    assertThat(gradient("poft", Map.of(), row, "completion")).isCloseTo(-0.5, HAND);
  }

  /** beta * M = 0.1 and R = -50. */
  @ParameterizedTest
  @CsvSource({"nll, 0.6943967", "logsigmoid, 1.3628564", "mean_nll, 0.6693967"})
  void aRationaleAddsItsTerm(String form, double expected) {
    TestRow row = TestRow.pair(1, 0).tokens("rationale", -20, -30);
    Map<String, Object> options = Map.of("rationale_weight", 0.001, "rationale_loss", form);
    assertThat(loss("dpo", options, row)).isCloseTo(expected, HAND);
  }

  @Test
  void atSmallWeightsTheLogSigmoidOfARationaleHasHalfTheGradient() {
    TestRow row = TestRow.pair(1, 0).tokens("rationale", -50);
    Map<String, Object> nll = Map.of("rationale_weight", 1e-9);
    Map<String, Object> logSigmoid =
        Map.of("rationale_weight", 1e-9, "rationale_loss", "logsigmoid");
    assertThat(
            gradient("dpo", logSigmoid, row, "rationale") / gradient("dpo", nll, row, "rationale"))
        .isCloseTo(0.5, HAND);
  }

  @Test
  void withoutWeightNoRationaleIsRead() {
    Objective dpo = Objectives.create("dpo", Map.of("rationale_weight", 0.0));
    assertThat(dpo.declaration().sequences()).containsExactly("chosen", "rejected");
    assertThat(dpo).isInstanceOf(Dpo.class);
  }

  @Test
  void maplWithoutItsLevelsIsDpo() {
    TestRow row = TestRow.pair(3, 1);
    Map<String, Object> none = Map.of("intra_weight", 0.0, "inter_weight", 0.0);
    assertThat(loss("mapl", none, row)).isEqualTo(dpo(0.1, row));
    assertThat(Objectives.create("mapl", none).declaration().columns().sequences()).isEmpty();
  }

  /** G = 0.2; within 0.1 * (3 - 2) = 0.1; between 0.1 * 5 - 0.2 = 0.3 and 0.2 - (-0.1) = 0.3. */
  @Test
  void maplComparesPromptsAndMargins() {
    TestRow row =
        TestRow.pair(3, 1)
            .tokens("chosen_violating", 2)
            .tokens("chosen_widened", 4)
            .tokens("rejected_widened", -1)
            .tokens("chosen_narrowed", 0)
            .tokens("rejected_narrowed", 1);
    Map<String, Object> options = Map.of("intra_weight", 2.0, "inter_weight", 0.5);
    assertThat(loss("mapl", options, row))
        .isCloseTo(softplus(-0.2) + 2 * softplus(-0.1) + 0.5 * 2 * softplus(-0.3), EXACT);
  }

  /** 5 * (-1 + 2.75) - 2.5 = 6.25. */
  @Test
  void simpoIsTheOneOfTheCard() {
    TestRow row = new TestRow("pair").tokens("chosen", -1).tokens("rejected", -2.75);
    assertThat(loss("weighted_simpo", Map.of("sft_weight", 0.0), row)).isCloseTo(0.0019286, HAND);
    assertThat(loss("weighted_simpo", Map.of("sft_weight", 2.0), row))
        .isCloseTo(0.0019286 + 2 * 1, HAND);
  }

  /** (-1 - 2 - 2 * 4) / 4 = -2.75, and 5 * (-1 + 2.75) - 2.5 = 6.25. */
  @Test
  void aMarkedTokenCountsTwice() {
    TestRow row = new TestRow("pair").tokens("chosen", -1).tokens("rejected", -1, -2, -4);
    Map<String, Object> options = Map.of("sft_weight", 0.0);
    double unmarked = loss("weighted_simpo", options, row);
    assertThat(unmarked).isCloseTo(softplus(-(5 * (-1 + 7 / 3.0) - 2.5)), EXACT);
    row.marks("rejected", 0, 0, 1);
    assertThat(loss("weighted_simpo", options, row)).isCloseTo(0.0019286, HAND);
    assertThat(loss("weighted_simpo", Map.of("sft_weight", 0.0, "alpha", 0.0), row))
        .isEqualTo(unmarked);
  }

  @Test
  void theGradientOfATokenScalesWithItsWeight() {
    TestRow row =
        new TestRow("pair")
            .tokens("chosen", -1)
            .tokens("rejected", -1, -2, -4)
            .marks("rejected", 0, 0.5, 1);
    Map<String, Object> options =
        Map.of("sft_weight", 0.0, "alpha", 3.0, "gamma_m", 2.0, "gamma", 0.0);
    TestBatch batch = TestBatch.first(Objectives.create("weighted_simpo", options), row);
    batch.differentiate(batch.plan());
    double[] gradient = row.gradient("rejected");
    // 1 + 3 * 0.25 and 1 + 3.
    assertThat(gradient[1] / gradient[0]).isCloseTo(1.75, EXACT);
    assertThat(gradient[2] / gradient[0]).isCloseTo(4, EXACT);
    assertThat(gradient[0] + gradient[1] + gradient[2])
        .isCloseTo(-row.gradient("chosen")[0], EXACT);
  }

  @Test
  void conditionalPairsOfOnePromptHaveNoGradientThroughTheirDifference() {
    TestRow row =
        new TestRow("pair")
            .tokens("chosen", -1, -3)
            .tokens("rejected", -2.75)
            .tokens("chosen_corrupted", -1, -3);
    Map<String, Object> plain = Map.of("sft_weight", 0.0);
    Map<String, Object> conditional = Map.of("sft_weight", 0.0, "conditional_pairs", true);
    assertThat(loss("weighted_simpo", conditional, row) - loss("weighted_simpo", plain, row))
        .isCloseTo(softplus(2.5), EXACT);
    TestBatch batch = TestBatch.first(Objectives.create("weighted_simpo", conditional), row);
    batch.differentiate(batch.plan());
    double both = row.gradient("chosen")[0] + row.gradient("chosen_corrupted")[0];
    assertThat(both).isCloseTo(gradient("weighted_simpo", plain, row, "chosen"), EXACT);
  }

  @Test
  void anEmbeddingHasAWholeNumberOfNumbers() {
    assertThatThrownBy(() -> Objectives.create("rpo_relative", Map.of("embedding_size", 2.5)))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.embedding_size: must be a whole number, got 2.5");
  }
}

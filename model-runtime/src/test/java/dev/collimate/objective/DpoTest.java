package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Reference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the losses of a pair are at points that a pencil reaches, and where they meet. */
class DpoTest {

  private static final double EXACT = 1e-12;

  /** A pair of two chosen tokens and one rejected, beta 0.5; c = 2 and r = -1. */
  private static final ObjectiveStep.Row PAIR = pair(2, -1, 1);

  private static ObjectiveStep.Row pair(double chosen, double rejected, double weight) {
    return new ObjectiveStep.Row(
        "row",
        Map.of("chosen", new double[] {-1, -3}, "rejected", new double[] {-2}),
        Map.of(),
        new Reference(
            Map.of("chosen", -4 - chosen, "rejected", -2 - rejected),
            Map.of(
                "chosen", new float[] {-2, (float) (-2 - chosen)},
                "rejected", new float[] {(float) (-2 - rejected)})),
        Map.of(),
        weight);
  }

  private static double loss(Map<String, Object> options, ObjectiveStep.Row... rows) {
    return step(options, rows).loss();
  }

  private static ObjectiveStep.Result step(Map<String, Object> options, ObjectiveStep.Row... rows) {
    Map<String, Object> all = new LinkedHashMap<>(options);
    all.putIfAbsent("beta", 0.5);
    return ObjectiveStep.first(Objectives.create("dpo", all), List.of(rows));
  }

  private static Map<String, Object> type(String lossType) {
    return Map.of("loss_type", lossType);
  }

  private static Map<String, Object> smoothed(String lossType, double smoothing) {
    return Map.of("loss_type", lossType, "label_smoothing", smoothing);
  }

  /**
   * With beta 0.5, c = 2, r = -1: beta c = 1, beta r = -0.5, beta D = 1.5. sigmoid(1) = 0.731059,
   * sigmoid(0.5) = 0.622459, sigmoid(1.5) = 0.817574; log(1 + e^-1) = 0.313262, log(1 + e^1) =
   * 1.313262, log(1 + e^-0.5) = 0.474077, log(1 + e^-1.5) = 0.201413, log(1 + e^1.5) = 1.701413.
   */
  @ParameterizedTest
  @CsvSource({
    "sigmoid, 0.201413",
    "hinge, 0",
    "ipo, 1", // (2/2 - -1/1 - 1)^2
    "nca_pair, 1.206931", // 0.313262 + 1.313262/2 + 0.474077/2
    "bco_pair, 0.787339", // 0.313262 + 0.474077
    "sppo_hard, 1", // (2 - 1)^2 + (-1 + 1)^2
    "apo_zero, 0.646482", // (1 - 0.731059) + (1 - 0.622459)
    "apo_down, 0.913485", // 0.731059 + 1 - 0.817574
    "sft, 2", // 4 nats over two tokens
    "sigmoid_norm, 0.313262", // beta (1 - -1) = 1
    "aot, 0.201413",
    "aot_unpaired, 0.201413"
  })
  void aPairCosts(String lossType, double expected) {
    assertThat(loss(type(lossType), PAIR)).isCloseTo(expected, within(1e-6));
  }

  /**
   * 0.9 * 0.201413 + 0.1 * 1.701413; (0.9 * 0.201413 - 0.1 * 1.701413) / 0.8; and for exo_pair,
   * with log 0.9 = -0.105361 and log 0.1 = -2.302585, 0.817574 * (-0.201413 + 0.105361) + 0.182426
   * * (-1.701413 + 2.302585).
   */
  @ParameterizedTest
  @CsvSource({"conservative, 0.351413", "robust, 0.013913", "aot, 0.351413", "exo_pair, 0.031139"})
  void aSmoothedPairCosts(String lossType, double expected) {
    assertThat(loss(smoothed(lossType, 0.1), PAIR)).isCloseTo(expected, within(1e-6));
  }

  /** At margin 0 the blend of DiscoPOP is half log 2 and half 1. */
  @Test
  void discopopBlendsHalfAndHalfAtNoMargin() {
    assertThat(loss(type("discopop"), pair(0, 0, 1)))
        .isCloseTo((Math.log(2) + 1) / 2, within(EXACT));
  }

  /** rDPO's promise: the mean over flips of its loss is DPO's of the true label. */
  @ParameterizedTest
  @ValueSource(doubles = {-7, -0.5, 0, 0.3, 12})
  void theRobustLossIsUnbiasedUnderFlips(double margin) {
    double asLabelled = loss(smoothed("robust", 0.2), pair(margin, 0, 1));
    double flipped = loss(smoothed("robust", 0.2), pair(-margin, 0, 1));
    assertThat(0.8 * asLabelled + 0.2 * flipped)
        .isCloseTo(loss(Map.of(), pair(margin, 0, 1)), within(EXACT));
  }

  /** {@code sigmoid(beta D) = 1 - e} at D = log((1 - e) / e) / beta. */
  @Test
  void exoIsNoLossWhereThePolicyHasTheLabelsProbability() {
    assertThat(loss(smoothed("exo_pair", 0.1), pair(Math.log(9) / 0.5, 0, 1)))
        .isCloseTo(0, within(EXACT));
  }

  @Test
  void theAlphaDivergenceJoinsForwardAndReverseKl() {
    assertThat(loss(divergence(1), PAIR)).isEqualTo(loss(Map.of(), PAIR));
    assertThat(loss(divergence(1 + 1e-4), PAIR)).isCloseTo(loss(Map.of(), PAIR), within(1e-4));
    assertThat(loss(divergence(0), PAIR))
        .isCloseTo(loss(Map.of("f_divergence_type", "forward_kl"), PAIR), within(EXACT));
  }

  private static Map<String, Object> divergence(double alpha) {
    return Map.of("f_divergence_type", "alpha_divergence", "f_alpha_divergence_coef", alpha);
  }

  @Test
  void rpoIsAMixtureWithCrossEntropy() {
    double rpo = loss(Map.of("rpo_alpha", 0.25), PAIR);
    assertThat(rpo).isCloseTo(loss(Map.of(), PAIR) + 0.25 * 2, within(EXACT));
    assertThat(rpo)
        .isEqualTo(
            loss(
                Map.of("loss_type", List.of("sigmoid", "sft"), "loss_weights", List.of(1.0, 0.25)),
                PAIR));
  }

  /** Beyond the one shared token stands one chosen token: its -3 and its reference's -4. */
  @Test
  void lengthDesensitizedDpoWeighsTheTailOfTheLongerSide() {
    ObjectiveStep.Result step = step(Map.of("ld_alpha", 0.25), PAIR);
    // c = (-1 + 0.25 * -3) - (-2 + 0.25 * -4) = 1.25
    assertThat(step.metric("rewards/chosen")).isCloseTo(0.5 * 1.25, within(EXACT));
    assertThat(step.metric("rewards/rejected")).isCloseTo(-0.5, within(EXACT));
    assertThat(step.metric("logps/chosen")).isCloseTo(-1.75, within(EXACT));
    double[] gradients = step.gradients().get(0).get("chosen");
    assertThat(gradients[1]).isCloseTo(0.25 * gradients[0], within(EXACT));
  }

  /** {@code -logsigmoid(0.5 * (-4 - -2))}. */
  @Test
  void aReferenceFreePairComparesThePolicyAlone() {
    assertThat(loss(Map.of("reference_free", true), PAIR))
        .isCloseTo(Math.log(1 + Math.exp(1)), within(EXACT));
  }

  /**
   * Policy margins -2 in all rows; reference margins -3, -2, -5 in any order: sorted they meet by
   * rank, so each row gains by one of them.
   */
  @Test
  void sortedMarginsAreMatchedOverTheWholeBatch() {
    ObjectiveStep.Row[] rows = {pair(1, 0, 1), pair(0, 0, 1), pair(3, 0, 1)};
    double expected = 0;
    for (double gain : new double[] {1, 0, 3}) {
      expected += Math.log1p(Math.exp(-0.5 * gain)) / 3;
    }
    assertThat(loss(type("aot"), rows)).isCloseTo(expected, within(EXACT));
  }

  /** c = 1, 5, 3 and r = 4, 0, 2: matched as (1, 0), (3, 2), (5, 4), each ahead by 1. */
  @Test
  void unpairedSidesAreMatchedByRank() {
    ObjectiveStep.Result step =
        step(type("aot_unpaired"), pair(1, 4, 1), pair(5, 0, 1), pair(3, 2, 1));
    assertThat(step.loss()).isCloseTo(Math.log1p(Math.exp(-0.5)), within(EXACT));
    double slope = 0.5 / (1 + Math.exp(0.5)) / 3;
    for (Map<String, double[]> gradients : step.gradients()) {
      assertThat(gradients.get("chosen")[0]).isCloseTo(-slope, within(EXACT));
      assertThat(gradients.get("rejected")[0]).isCloseTo(slope, within(EXACT));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"aot", "aot_unpaired"})
  void aRowOfNoWeightIsNotMatched(String lossType) {
    double alone = loss(type(lossType), pair(1, 4, 1), pair(5, 0, 2));
    assertThat(loss(type(lossType), pair(9, -9, 0), pair(1, 4, 1), pair(5, 0, 2))).isEqualTo(alone);
  }

  @Test
  void theLossesOfAMixtureAreAdded() {
    Map<String, Object> mixture =
        Map.of(
            "loss_type", List.of("ipo", "bco_pair", "sft"), "loss_weights", List.of(3.0, 0.0, 0.5));
    assertThat(loss(mixture, PAIR))
        .isCloseTo(3 * loss(type("ipo"), PAIR) + 0.5 * loss(type("sft"), PAIR), within(EXACT));
  }

  /** Sides of weights e^-0.5 and e^1.5: TRL weighs the pair e, the paper's code 1. */
  @Test
  void wpoWeighsAPairByWhatThePolicyWouldWrite() {
    Map<String, Map<Quantity, float[]>> quantities =
        Map.of(
            "chosen", quantities(new float[] {-1, -3}, new float[] {-1.5f, -1.5f}),
            "rejected", quantities(new float[] {-2}, new float[] {-3.5f}));
    ObjectiveStep.Row row =
        new ObjectiveStep.Row("row", PAIR.policy(), quantities, PAIR.reference(), Map.of(), 1);

    assertThat(loss(Map.of("use_weighting", true), row))
        .isCloseTo(Math.E * loss(Map.of(), PAIR), within(EXACT));
    Objective wpo = Objectives.create("wpo", Map.of("beta", 0.5));
    assertThat(ObjectiveStep.first(wpo, List.of(row)).loss())
        .isCloseTo(loss(Map.of(), PAIR), within(EXACT));
  }

  private static Map<Quantity, float[]> quantities(float[] logProbs, float[] logSumSquares) {
    float[] zeros = new float[logProbs.length];
    return Map.of(
        Quantity.LOG_PROB, logProbs,
        Quantity.LOG_SUM_SQUARES, logSumSquares,
        Quantity.MEAN_LOGIT, zeros,
        Quantity.ENTROPY, zeros,
        Quantity.TOP1, zeros);
  }
}

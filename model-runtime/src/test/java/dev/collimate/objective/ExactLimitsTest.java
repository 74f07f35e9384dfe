package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.nn.Quantity;
import dev.collimate.parameters.FlatVector;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Objectives that are one another at some setting to the bit, the loss and its derivatives. */
class ExactLimitsTest {

  /**
   * @param one objective at its limit
   * @param other which it is there
   */
  private record Limit(String one, Objective at, String other, Objective is, TestRow[] rows) {
    @Override
    public String toString() {
      return one + " is " + other;
    }
  }

  private static Limit limit(Named one, Named other, TestRow... rows) {
    return new Limit(one.text, one.objective, other.text, other.objective, rows);
  }

  private record Named(String text, Objective objective) {}

  private static Named of(String name, Object... options) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    SortedMap<String, SortedMap<String, Long>> groups =
        new TreeMap<>(Map.of("group", new TreeMap<>(Map.of("a", 50L, "b", 50L))));
    TrainingSet rows = new TrainingSet(100, DeclaredColumns.MODEL, groups);
    return new Named(name + " " + values, Objectives.create(name, values).over(rows));
  }

  /** Three and two tokens, with a reference, and every column that a pair can have. */
  private static TestRow pair(String key, double shift) {
    return new TestRow(key)
        .tokens(
            "chosen", new double[] {-0.7 + shift, -1.3, -0.1}, new float[] {-1.1f, -0.9f, -0.3f})
        .tokens("rejected", new double[] {-1.9, -0.4 - shift}, new float[] {-1.2f, -0.8f})
        .tokens("reference", new double[] {-0.6, -1.7}, new float[2])
        .scalar("chosen_score", 0.9)
        .scalar("rejected_score", 0.2)
        .scalar("constraint_gap", 2)
        .scalar("statement", 1)
        .scalar("rm_margin", 0.37)
        .scalar("embedding_0", 0.3)
        .scalar("embedding_1", -0.8);
  }

  private static TestRow[] pairs() {
    return new TestRow[] {pair("a", 0.21).weight(2), pair("b", -0.37), pair("c", 0)};
  }

  private static TestRow[] unreferenced() {
    TestRow[] rows = pairs();
    for (TestRow row : rows) {
      row.tokens("chosen", row.tokens.get("chosen")).tokens("rejected", row.tokens.get("rejected"));
    }
    return rows;
  }

  private static TestRow member(int group, double margin) {
    return TestRow.pair(margin, 0.3).scalar("group", group);
  }

  private static TestRow judged(String key, int label, double... logProbs) {
    return new TestRow(key)
        .tokens("completion", logProbs, new float[logProbs.length])
        .tokens("kl", -0.5)
        .scalar(RowFacts.LABEL, label);
  }

  /** Both sides as likely as the policy's own: w = exp(mean of logp - log sum of p^2). */
  private static TestRow weighed(float logSumSquares) {
    return pair("a", 0.21)
        .quantity("chosen", Quantity.LOG_PROB, -0.49f, -1.3f, -0.1f)
        .quantity("chosen", Quantity.LOG_SUM_SQUARES, -0.49f + logSumSquares, -1.3f, -0.1f)
        .quantity("rejected", Quantity.LOG_PROB, -1.9f, -0.61f)
        .quantity("rejected", Quantity.LOG_SUM_SQUARES, -1.9f, -0.61f);
  }

  static Stream<Limit> ofDpo() {
    return Stream.of(
        limit(of("dpo", "loss_type", "conservative"), of("dpo"), pairs()),
        limit(of("dpo", "loss_type", "robust"), of("dpo"), pairs()),
        limit(of("dpo", "loss_type", "aot"), of("dpo"), pair("a", 0.21)),
        limit(
            of("dpo", "f_divergence_type", "alpha_divergence", "f_alpha_divergence_coef", 1.0),
            of("dpo"),
            pairs()),
        limit(
            of("dpo", "f_divergence_type", "alpha_divergence", "f_alpha_divergence_coef", 0.0),
            of("dpo", "f_divergence_type", "forward_kl"),
            pairs()),
        limit(
            of("dpo", "rpo_alpha", 0.3),
            of("dpo", "loss_type", List.of("sigmoid", "sft"), "loss_weights", List.of(1.0, 0.3)),
            pairs()),
        limit(of("dpo", "reference_free", true), of("cpo", "cpo_alpha", 0.0), pairs()),
        limit(of("dpo", "ld_alpha", 1.0), of("dpo"), pairs()));
  }

  static Stream<Limit> onPairs() {
    return Stream.of(
        limit(of("wpo", "beta", 0.1), of("dpo"), weighed(0)),
        limit(of("wpo", "beta", 0.1), of("dpo", "use_weighting", true), weighed(0.9f)),
        limit(of("odpo", "alpha", 0.0), of("dpo"), pairs()),
        limit(of("reverse_po", "gamma", 0.0), of("dpo"), pairs()),
        limit(of("citation_apo"), of("dpo"), pairs()),
        limit(of("madpo", "c_max", 1.0, "c_min", 1.0), of("dpo"), pairs()),
        limit(of("madpo", "tau", 0.37), of("dpo"), pairs()),
        limit(of("madpo", "tau", 2.0), of("dpo"), pair("a", 0.2).scalar("rm_margin", -2)),
        limit(of("napo"), of("napo", "q", "1"), pair("b", -0.37)),
        limit(of("beta_dpo", "alpha", 0.0, "filter_ratio", 0.0), of("dpo"), pairs()),
        limit(
            of("gr_dpo", "eta", 0.0, "beta", 0.1),
            of("dpo"),
            member(0, 1.3),
            member(1, -2.1),
            member(0, 0.2).weight(2)),
        limit(
            of("gr_ipo", "eta", 0.0, "beta", 0.4),
            of("dpo", "loss_type", "ipo", "beta", 0.4),
            member(0, 1.3),
            member(1, -2.1)),
        limit(of("rpo_relative", "mode", "diagonal", "diagonal_weight", 1.0), of("dpo"), pairs()),
        limit(of("rpo_relative", "mode", "diagonal"), of("dpo"), pair("a", 0.21)),
        limit(of("rpo_relative", "embedding_size", 2.0), of("dpo"), pair("a", 0.21)),
        limit(of("mapl", "intra_weight", 0.0, "inter_weight", 0.0), of("dpo"), pairs()),
        limit(of("sparsepo", "mask", "ones"), of("dpo", "beta", 0.8), pairs()));
  }

  static Stream<Limit> withoutAReference() {
    return Stream.of(
        limit(
            of("dppo", "temperature", 0.5),
            of("simpo", "beta", 2.0, "simpo_gamma", 0.0),
            unreferenced()),
        limit(of("alphapo", "alphapo_alpha", 0.0), of("simpo"), unreferenced()),
        limit(
            of("weighted_simpo", "beta", 2.1, "gamma", 0.7, "sft_weight", 1.5),
            of("simpo", "beta", 2.1, "simpo_gamma", 0.7, "cpo_alpha", 1.5),
            unreferenced()),
        limit(
            of("weighted_simpo", "beta", 2.1, "gamma", 0.7, "sft_weight", 0.0, "alpha", 0.0),
            of("simpo", "beta", 2.1, "simpo_gamma", 0.7),
            pair("a", 0.21).marks("chosen", 1, 0, 0.5).marks("rejected", 0, 1)),
        limit(of("tpo", "tpo_alpha", 0.0, "beta", 0.1), of("cpo", "cpo_alpha", 0.0), pairs()),
        limit(
            of("tpo", "tpo_alpha", 0.0, "loss_type", "tpo-l", "beta", 2.0),
            of("simpo", "beta", 2.0),
            pairs()));
  }

  static Stream<Limit> onJudgedCompletions() {
    TestRow[] judged = {judged("a", 1, -0.3, -1.1), judged("b", 0, -0.7), judged("c", 0, -2, -0.2)};
    TestRow good = judged("a", 1, -0.3, -1.1, -0.4);
    return Stream.of(
        limit(of("kto"), of("apo_zero_unpaired"), judged),
        limit(of("ulma", "average_log_prob", true), of("sft"), good),
        limit(
            of("pmpo", "alpha", 1.0, "kl_beta", 0.0),
            of("ulma"),
            judged("a", 1, -0.3, -1.1),
            judged("b", 1, -0.7)));
  }

  @ParameterizedTest
  @MethodSource({"ofDpo", "onPairs", "withoutAReference", "onJudgedCompletions"})
  void oneIsTheOther(Limit each) {
    TestBatch at = TestBatch.first(each.at, each.rows);
    double loss = at.differentiate(at.plan());
    List<Map<String, double[]>> gradients = gradients(each);

    TestBatch is = TestBatch.first(each.is, each.rows);

    assertThat(loss).isEqualTo(is.differentiate(is.plan()));
    List<Map<String, double[]>> expected = gradients(each);
    for (int row = 0; row < expected.size(); row++) {
      assertThat(gradients.get(row)).containsOnlyKeys(expected.get(row).keySet());
      for (String role : expected.get(row).keySet()) {
        assertThat(gradients.get(row).get(role)).as(role).isEqualTo(expected.get(row).get(role));
      }
    }
  }

  private static List<Map<String, double[]>> gradients(Limit each) {
    List<Map<String, double[]>> gradients = new ArrayList<>();
    for (TestRow row : each.rows) {
      Map<String, double[]> ofRow = new LinkedHashMap<>();
      row.tokens.keySet().forEach(role -> ofRow.put(role, row.gradient(role)));
      gradients.add(ofRow);
    }
    return gradients;
  }

  /**
   * A log-ratio of 1 and one of -1 have a mean of 0; BCO's mean is over rows, this one per label.
   */
  @Test
  void bcoWithoutAShiftIsHalfOfPointwiseDpo() {
    TestRow[] rows = {judged("a", 1, 1), judged("b", 0, -1)};
    double pointwise = TestBatch.first(of("pointwise_dpo").objective, rows).loss();
    assertThat(2 * TestBatch.first(of("bco").objective, rows).loss()).isEqualTo(pointwise);
  }

  @Test
  void dppoOfNoLamLeavesTheRejectedCompletionAlone() {
    TestRow row = pair("a", 0.21);
    TestBatch batch = TestBatch.first(of("dppo", "lam", 0.0).objective, row);
    batch.differentiate(batch.plan());
    assertThat(row.gradient("rejected")).containsOnly(0);
    assertThat(row.gradient("chosen")[0]).isNegative();
  }

  @Test
  void aRegressionAtItsScoreHasNothingToLearn() {
    TestRow row = judged("a", 1, -0.25, -0.5).scalar("score", -0.125);
    TestBatch batch =
        TestBatch.first(of("pointwise_regression", "beta", 0.5, "c", 0.25).objective, row);
    assertThat(batch.differentiate(batch.plan())).isZero();
    assertThat(row.gradient("completion")).containsOnly(0);
  }

  @Test
  void aReferenceThatTakesNothingOfThePolicyStaysAsItIs() {
    FlatVector reference = new FlatVector(3);
    FlatVector policy = new FlatVector(3);
    for (int i = 0; i < 3; i++) {
      reference.set(i, 0.1f * (i + 1));
      policy.set(i, -7.3f * i);
    }
    new ReferenceSync(0, 1).mix(reference, policy);
    assertThat(reference.block(0)).startsWith(0.1f * 1, 0.1f * 2, 0.1f * 3);
  }
}

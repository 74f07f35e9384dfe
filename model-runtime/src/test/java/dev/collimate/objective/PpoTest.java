package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class PpoTest {

  private static final Offset<Double> FLOAT = within(1e-6);
  private static final int MAX_LENGTH = 3;

  private static Online ppo(Object... options) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    return (Online) Objectives.create("ppo", values);
  }

  private static Sampled sampled(boolean ended, int... completion) {
    return new Sampled(new int[] {5, 6}, completion, ended, MAX_LENGTH);
  }

  @Test
  void aShortCompletionHasAPositionAfterItsEnd() {
    Sequence sequence = ppo().sequence(sampled(true, 7, 2));
    assertThat(sequence.ids()).startsWith(5, 6, 7, 2).hasSize(5);
    assertThat(sequence.lossMask()).containsExactly(0, 0, 1, 1, 1);
    assertThat(ppo().sequence(sampled(false, 7, 8, 9)).ids()).containsExactly(5, 6, 7, 8, 9);
    assertThat(ppo("value_after_end", false).sequence(sampled(true, 7, 2)).ids())
        .containsExactly(5, 6, 7, 2);
  }

  /** A completion of as many tokens as there are log-probabilities, then one position at most. */
  private static Judged.Completion completion(
      int index, Sampled sampled, double score, float[] old, float[] values, float[] reference) {
    return new Judged.Completion(
        "prompt-" + index, 0, sampled, new double[] {score}, old, values, reference);
  }

  private static Judged rollout(Judged.Completion... completions) {
    return new Judged(List.of("score"), List.of(1.0), List.of(completions));
  }

  /** With gamma = lam = 1 a return is what is to come: the score, less the penalties before it. */
  @Test
  void theScoreStandsAfterTheEnd() {
    Online ppo = ppo("lam", 1.0, "kl_coef", 0.5);
    Assessment assessment =
        ppo.assess(
            rollout(
                completion(
                    0,
                    sampled(true, 7, 2),
                    2,
                    new float[] {-1, -1, 0},
                    new float[] {0.25f, 0.5f, 1},
                    new float[] {-2, -1.5f, 0}),
                completion(
                    1, sampled(false, 7, 8, 9), 1, new float[3], new float[3], new float[3])));
    // Penalties 0.5 * 1 and 0.5 * 0.5, then the score.
    assertThat(assessment.rows().get(0).tokens().get("returns"))
        .containsExactly(2 - 0.75f, 2 - 0.25f, 2);
    assertThat(assessment.rows().get(1).tokens().get("returns")).containsExactly(1, 1, 1);
    assertThat(assessment.rows().get(0).counts()).containsEntry("tokens", 2);
    Map<String, Double> metrics = new LinkedHashMap<>();
    assessment.metrics().forEach(each -> metrics.put(each.name(), each.sum() / each.weight()));
    assertThat(metrics)
        .containsEntry("objective/kl", 0.75)
        .containsEntry("objective/non_score_reward", -0.375)
        .containsEntry("objective/scores", 1.5)
        .containsEntry("objective/rlhf_reward", 1.125)
        .containsEntry("objective/entropy", 1.0)
        .containsEntry("val/num_eos_tokens", 1.0);
  }

  /** Advantages before whitening: of the tokens alone, 0 and 1 of the first, three of 2. */
  @Test
  void advantagesAreWhitenedOverTheTokens() {
    Online ppo = ppo("lam", 1.0, "kl_coef", 0.0);
    Assessment assessment =
        ppo.assess(
            rollout(
                completion(
                    0, sampled(true, 7, 2), 1, new float[3], new float[] {1, 0, 50}, new float[0]),
                completion(
                    1, sampled(false, 7, 8, 9), 2, new float[3], new float[3], new float[0])));
    double mean = (0 + 1 + 2 + 2 + 2) / 5.0;
    double variance = (mean * mean + (1 - mean) * (1 - mean) + 3 * (2 - mean) * (2 - mean)) / 4;
    float[] advantages = assessment.rows().get(0).tokens().get("advantages");
    assertThat((double) advantages[0]).isCloseTo((0 - mean) / Math.sqrt(variance), FLOAT);
    assertThat((double) advantages[1]).isCloseTo((1 - mean) / Math.sqrt(variance), FLOAT);
    assertThat(advantages[2]).isZero();
  }

  @Test
  void aCutCompletionPaysThePenalty() {
    Online ppo = ppo("missing_eos_penalty", "0.75", "lam", 1.0, "kl_coef", 0.0);
    Judged judged =
        rollout(
            completion(0, sampled(false, 7, 8, 9), 2, new float[3], new float[3], new float[0]),
            completion(1, sampled(true, 7, 8, 2), 2, new float[3], new float[3], new float[0]));
    Assessment assessment = ppo.assess(judged);
    assertThat(assessment.rows().get(0).tokens().get("returns")).containsOnly(1.25f);
    assertThat(assessment.rows().get(1).tokens().get("returns")).containsOnly(2);
  }

  /** A completion that nothing judged has no reward to learn from: it is left out, and counted. */
  @Test
  void whatCouldNotBeJudgedIsLeftOut() {
    Judged judged =
        rollout(
            completion(
                0, sampled(true, 7, 8, 2), Double.NaN, new float[3], new float[3], new float[3]),
            completion(1, sampled(true, 7, 8, 2), 2, new float[3], new float[3], new float[3]));
    Assessment assessment = ppo().assess(judged);
    assertThat(assessment.rows().get(0).weight()).isZero();
    assertThat(assessment.rows().get(0).tokens().get("advantages")).containsOnly(0);
    assertThat(assessment.rows().get(1).weight()).isEqualTo(1);
    assertThat(assessment.rows().get(1).tokens().get("returns")).doesNotContain(Float.NaN);
  }

  /** One token, advantage 1, value 0.5, whose return is 2 and whose old value was 1. */
  private static Row row(double logProb, double value) {
    Map<String, float[]> tokens =
        Map.of(
            "old", new float[] {-1},
            "advantages", new float[] {1},
            "returns", new float[] {2},
            "values", new float[] {1});
    return Row.ofRollout(
        new double[] {logProb},
        tokens,
        new OfRollout(
            new double[] {1}, Map.of("tokens", 1), Map.of(Quantity.VALUE, new double[] {value})));
  }

  /** (0.5 - 2)^2 is more than (0.8 - 2)^2; (1.5 - 2)^2 is less than (1.2 - 2)^2. */
  @Test
  void aValueIsHeldNearTheOldOne() {
    ObjectiveStep.Result away = ObjectiveStep.first(ppo(), List.of(row(-1, 0.5)));
    assertThat(away.loss()).isCloseTo(-1 + 0.1 * 0.5 * 2.25, FLOAT);
    assertThat(away.gradients().get(0).get("VALUE")[0]).isCloseTo(0.1 * -1.5, FLOAT);
    assertThat(away.metric("val/clipfrac_avg")).isZero();
    ObjectiveStep.Result beyond = ObjectiveStep.first(ppo(), List.of(row(-1, 1.5)));
    assertThat(beyond.loss()).isCloseTo(-1 + 0.1 * 0.5 * 0.64, FLOAT);
    assertThat(beyond.gradients().get(0).get("VALUE")[0]).isZero();
    assertThat(beyond.metric("val/clipfrac_avg")).isEqualTo(1);
  }

  @Test
  void withoutItsWeightTheValueIsNotLearned() {
    ObjectiveStep.Result step = ObjectiveStep.first(ppo("vf_coef", 0.0), List.of(row(-1, 0.5)));
    assertThat(step.loss()).isCloseTo(-1, FLOAT);
    assertThat(step.gradients().get(0).get("VALUE")).containsExactly(0);
    assertThat(step.metric("loss/value_avg")).isCloseTo(0.5 * 2.25, FLOAT);
  }

  /** The ratio e^0.5 is above 1.2: the advantage drives it no further. */
  @Test
  void theRatioIsClipped() {
    ObjectiveStep.Result step = ObjectiveStep.first(ppo(), List.of(row(-0.5, 2)));
    assertThat(step.metric("loss/policy_avg")).isCloseTo(-1.2, FLOAT);
    assertThat(step.gradients().get(0).get("completion")).containsExactly(0);
    assertThat(step.metric("policy/clipfrac_avg")).isEqualTo(1);
    assertThat(step.metric("val/ratio")).isCloseTo(Math.exp(0.5), FLOAT);
    assertThat(step.metric("policy/approxkl_avg")).isCloseTo(0.125, FLOAT);
  }

  /** Two completions with the ratios e^0.5 and 1. */
  @Test
  void theVarianceOfTheRatioIsThatBetweenCompletions() {
    ObjectiveStep.Result step = ObjectiveStep.first(ppo(), List.of(row(-0.5, 2), row(-1, 2)));
    Map<String, Double> means = new LinkedHashMap<>();
    for (String name : List.of("val/completion_ratio", "val/ratio_var")) {
      means.put(name, step.metric(name));
    }
    double half = (Math.exp(0.5) - 1) / 2;
    assertThat(ppo().summary(means).get("val/ratio_var")).isCloseTo(half * half, FLOAT);
    assertThat(ppo().summary(Map.of())).isEmpty();
  }

  /** The position after the end has a value of its own and no log-probability that counts. */
  @Test
  void theTokenAfterTheEndIsThereForItsValueAlone() {
    Online ppo = ppo("kl_coef", 0.0);
    Judged.Completion completion =
        completion(
            0,
            sampled(true, 7, 2),
            1,
            new float[] {-1, -2, -9},
            new float[] {0.5f, 0.25f, 0},
            new float[0]);
    Assessment.Row assessed = ppo.assess(rollout(completion)).rows().get(0);
    Map<String, float[]> tokens = new LinkedHashMap<>(assessed.tokens());
    tokens.put("old", completion.old());
    List<Double> lost = new ArrayList<>();
    for (double after : new double[] {-9, -3}) {
      Row row =
          Row.ofRollout(
              new double[] {-1, -2, after},
              tokens,
              new OfRollout(
                  assessed.given(),
                  assessed.counts(),
                  Map.of(Quantity.VALUE, new double[] {0.5, 0.25, 0.1})));
      ObjectiveStep.Result step = ObjectiveStep.first(ppo, List.of(row));
      lost.add(step.loss());
      assertThat(step.gradients().get(0).get("completion")[2]).isZero();
      assertThat(step.gradients().get(0).get("VALUE")[2]).isNotZero();
    }
    assertThat(lost.get(0)).isEqualTo(lost.get(1));
  }
}

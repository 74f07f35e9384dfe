package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Five answers of one token to one prompt, with exact expectations over what may happen. */
class DoublyRobustTest {

  private static final Offset<Double> FLOAT = within(1e-6);
  private static final double[] POLICY = {0.3, 0.25, 0.2, 0.15, 0.1};
  private static final double[] WRITER = {0.1, 0.3, 0.25, 0.15, 0.2};
  private static final double[] REWARD = {1, -0.5, 0.25, 2, 0};
  private static final double[] WRONG_REWARD = {-1, 0.5, 1, 0, 0.75};
  private static final double[] WRONG_REFERENCE = {0.2, 0.2, 0.2, 0.2, 0.2};

  private static Online drpo(Object... options) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("n_rollouts", 1.0);
    values.put("beta", 0.0);
    values.put("ratio_clip", 1e6);
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    return (Online) Objectives.create("drpo", values);
  }

  /** Derivatives of the loss by the log-probabilities of the completion, chosen and rejected. */
  private static double[] gradients(
      Online objective, double[] rewards, double[] logProbs, double[] reference) {
    List<Judged.Completion> group = new ArrayList<>();
    for (int i = 0; i < rewards.length; i++) {
      group.add(
          new Judged.Completion(
              "prompt",
              i,
              new Sampled(new int[] {1}, new int[] {5}, /* ended= */ true, 1),
              new double[] {rewards[i]},
              new float[0],
              new float[0],
              new float[] {(float) reference[i]}));
    }
    Assessment assessment = objective.assess(new Judged(List.of("reward"), List.of(1.0), group));
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < rewards.length; i++) {
      Row row =
          Row.ofRollout(
              new double[] {logProbs[i]},
              Map.of("completion", new float[] {(float) reference[i]}),
              OfRollout.given(assessment.rows().get(i).given()));
      rows.add(row);
    }
    return ObjectiveStep.first(objective, rows).gradients().stream()
        .mapToDouble(ofRow -> ofRow.get("completion")[0])
        .toArray();
  }

  /** The expected gradient by every answer's log-probability, of what the policy's logits move. */
  private static double[] expected(Online objective, double[] rewards, double[] reference) {
    double[] byAnswer = new double[POLICY.length];
    for (int drawn = 0; drawn < POLICY.length; drawn++) {
      for (int first = 0; first < POLICY.length; first++) {
        for (int second = 0; second < POLICY.length; second++) {
          // The pair is labelled by the true preference; the other label is the pair's swap.
          double probability =
              POLICY[drawn]
                  * WRITER[first]
                  * WRITER[second]
                  * Scalar.sigmoid(REWARD[first] - REWARD[second])
                  * 2;
          int[] group = {drawn, first, second};
          double[] gradients =
              gradients(
                  objective, of(rewards, group), logOf(POLICY, group), logOf(reference, group));
          for (int i = 0; i < group.length; i++) {
            byAnswer[group[i]] += probability * gradients[i];
          }
        }
      }
    }
    return byLogit(byAnswer);
  }

  private static double[] of(double[] values, int[] which) {
    return Arrays.stream(which).mapToDouble(i -> values[i]).toArray();
  }

  private static double[] logOf(double[] values, int[] which) {
    return Arrays.stream(of(values, which)).map(Math::log).toArray();
  }

  private static double[] byLogit(double[] byAnswer) {
    double all = Arrays.stream(byAnswer).sum();
    double[] byLogit = new double[byAnswer.length];
    for (int k = 0; k < byLogit.length; k++) {
      byLogit[k] = byAnswer[k] - POLICY[k] * all;
    }
    return byLogit;
  }

  /** Of minus the probability that an answer of the policy is preferred to one of the writer. */
  private static double[] truth() {
    double[] byAnswer = new double[POLICY.length];
    for (int y = 0; y < POLICY.length; y++) {
      for (int other = 0; other < POLICY.length; other++) {
        byAnswer[y] -= POLICY[y] * WRITER[other] * Scalar.sigmoid(REWARD[y] - REWARD[other]);
      }
    }
    return byLogit(byAnswer);
  }

  private static double bias(Online objective, double[] rewards, double[] reference) {
    double[] expected = expected(objective, rewards, reference);
    double[] truth = truth();
    double most = 0;
    for (int k = 0; k < truth.length; k++) {
      most = Math.max(most, Math.abs(expected[k] - truth[k]));
    }
    return most;
  }

  @Test
  void oneOfTheTwoModelsMayBeWrong() {
    assertThat(bias(drpo(), WRONG_REWARD, WRITER)).isCloseTo(0, FLOAT);
    assertThat(bias(drpo(), REWARD, WRONG_REFERENCE)).isCloseTo(0, FLOAT);
    assertThat(bias(drpo(), WRONG_REWARD, WRONG_REFERENCE)).isGreaterThan(0.01);
  }

  @Test
  void eachTermAloneNeedsItsOwnModel() {
    assertThat(bias(drpo("estimator", "ips"), WRONG_REWARD, WRITER)).isCloseTo(0, FLOAT);
    assertThat(bias(drpo("estimator", "ips"), REWARD, WRONG_REFERENCE)).isGreaterThan(0.01);
    assertThat(bias(drpo("estimator", "dm"), REWARD, WRONG_REFERENCE)).isCloseTo(0, FLOAT);
    assertThat(bias(drpo("estimator", "dm"), WRONG_REWARD, WRITER)).isGreaterThan(0.01);
  }

  /**
   * g = 1/2 everywhere: Z - 1/2 of each answer times its ratio, halved; completions say nothing.
   */
  @Test
  void equalRewardsLeaveTheImportanceWeights() {
    double[] logProbs = {-1, Math.log(0.4), Math.log(0.1)};
    double[] reference = {-1, Math.log(0.2), Math.log(0.2)};
    double[] equal = {3, 3, 3};
    double[] gradients = gradients(drpo(), equal, logProbs, reference);
    assertThat(gradients).containsExactly(new double[] {0, -0.5, 0.125}, FLOAT);
    assertThat(gradients(drpo("estimator", "ips"), equal, logProbs, reference))
        .containsExactly(gradients, FLOAT);
  }

  /** Z = g where the chosen one's reward is far above: answers say nothing. */
  @Test
  void aCertainRewardModelLeavesTheCompletions() {
    double[] rewards = {50, 50, -50};
    double[] gradients = gradients(drpo(), rewards, new double[3], new double[3]);
    // g is 1/2 over the chosen and 1 over the rejected one: 3/4 - 1/2.
    assertThat(gradients).containsExactly(new double[] {-0.25, 0, 0}, FLOAT);
    assertThat(gradients(drpo("estimator", "dm"), rewards, new double[3], new double[3]))
        .containsExactly(gradients, FLOAT);
  }

  @Test
  void theClipBoundsTheRatioBothWays() {
    double[] logProbs = {-1, 5, -5};
    double[] gradients = gradients(drpo("ratio_clip", 1.0), new double[3], logProbs, new double[3]);
    assertThat(gradients).containsExactly(new double[] {0, -0.25, 0.25}, FLOAT);
    assertThat(gradients(drpo("ratio_clip", 2.0), new double[3], logProbs, new double[3]))
        .containsExactly(new double[] {0, -0.5, 0.125}, FLOAT);
  }

  /** Derivative of e^q - q - 1 by the log-probability, q = -1: 1 - e^-1. */
  @Test
  void thePenaltyIsOnCompletionsAlone() {
    double[] gradients =
        gradients(drpo("beta", 0.5), new double[3], new double[3], new double[] {-1, 0, 0});
    assertThat(gradients)
        .containsExactly(new double[] {0.5 * (1 - Math.exp(-1)), -0.25, 0.25}, FLOAT);
  }

  /** What weighs a log-probability is held while the loss is moved. */
  @Test
  void derivativesAreThoseOfFiniteDifferences() {
    double[] given = {0.7, 0.3, 0};
    double[] at = {-1.2, -0.4};
    float[] reference = {-1, -0.9f};
    double step = 1e-5;
    ObjectiveStep.Result here = loss(given, at, reference);
    for (int t = 0; t < at.length; t++) {
      double[] above = at.clone();
      above[t] += step;
      double[] below = at.clone();
      below[t] -= step;
      double slope =
          (loss(given, above, reference).loss() - loss(given, below, reference).loss())
              / (2 * step);
      assertThat(here.gradients().get(0).get("completion")[t]).isCloseTo(slope, within(1e-8));
    }
  }

  private static ObjectiveStep.Result loss(double[] given, double[] logProbs, float[] reference) {
    return ObjectiveStep.first(
        drpo(),
        List.of(Row.ofRollout(logProbs, Map.of("completion", reference), OfRollout.given(given))));
  }

  @Test
  void aPromptWithoutAllItsRewardsTeachesNothingOfThem() {
    double[] gradients =
        gradients(drpo(), new double[] {Double.NaN, 1, 0}, new double[3], new double[3]);
    assertThat(gradients[0]).isZero();
    assertThat(DoubleStream.of(gradients).allMatch(Double::isFinite)).isTrue();
  }
}

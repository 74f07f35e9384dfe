package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Completions that another engine wrote: one of two tokens, advantage 2, at the old policy. */
class CorrectedLossTest {

  private static final Offset<Double> FLOAT = within(1e-6);
  private static final double[] POLICY = {-1, -2};

  private static Objective objective(String name, Object... options) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    return Objectives.create(name, values);
  }

  private static Row row(double advantage, float... correction) {
    Map<String, float[]> tokens = new LinkedHashMap<>();
    tokens.put("completion", new float[] {-1, -3});
    tokens.put("old", new float[] {-1, -2});
    tokens.put("advantages", new float[] {(float) advantage, (float) advantage});
    tokens.put("returns", new float[] {1, 1});
    tokens.put("values", new float[] {0, 0});
    tokens.put("sampler", new float[] {-1.5f, -1});
    tokens.put("correction", correction);
    return Row.ofRollout(
        POLICY,
        tokens,
        new OfRollout(
            new double[] {advantage, 2},
            Map.of("tokens", 2),
            Map.of(Quantity.VALUE, new double[] {0, 0})));
  }

  private static double[] gradients(Objective objective, Row row) {
    return ObjectiveStep.first(objective, List.of(row)).gradients().get(0).get("completion");
  }

  /** -2 over two tokens, times the token's ratio. */
  @Test
  void eachTokenIsWeighed() {
    assertThat(gradients(objective("grpo"), row(2, 0.5f, 3)))
        .containsExactly(new double[] {-0.5, -3}, FLOAT);
    assertThat(gradients(objective("reinforce_plus_plus"), row(2, 0.5f, 3)))
        .containsExactly(new double[] {-0.5, -3}, FLOAT);
  }

  @Test
  void oneRatioIsThatOfAllTokens() {
    assertThat(gradients(objective("grpo"), row(2, 0.5f)))
        .containsExactly(new double[] {-0.5, -0.5}, FLOAT);
    assertThat(gradients(objective("rloo"), row(2, 0.5f)))
        .containsExactly(new double[] {-1, -1}, FLOAT);
  }

  /** The value of a state does not depend on who wrote it, and the KL is not sampled. */
  @Test
  void thePolicysLossAloneIsWeighed() {
    ObjectiveStep.Result ppo =
        ObjectiveStep.first(objective("ppo", "num_generations", 1.0), List.of(row(2, 0)));
    assertThat(ppo.gradients().get(0).get("completion")).containsExactly(new double[2], FLOAT);
    assertThat(ppo.gradients().get(0).get("VALUE"))
        .containsExactly(new double[] {-0.05, -0.05}, FLOAT);
    // Derivative of e^d - d - 1 by the log-probability: 1 - e^d, d = 0 and -1.
    assertThat(gradients(objective("grpo", "beta", 1.0), row(2, 0)))
        .containsExactly(new double[] {0, (1 - Math.exp(-1)) / 2}, FLOAT);
  }

  /** phi(w) = e^l * w^k * e^(-l * w) with w = 0.5 and l = 3, k = 2. */
  @Test
  void vespoHasItInItsWeight() {
    double weight = Math.exp(3 - 1.5) * 0.25;
    Objective vespo = objective("grpo", "loss_type", "vespo");
    assertThat(gradients(vespo, row(2, 0.5f)))
        .containsExactly(new double[] {-weight, -weight}, FLOAT);
    assertThat(gradients(vespo, row(2, 0.25f, 2)))
        .containsExactly(new double[] {-weight, -weight}, FLOAT);
  }

  /** The policy is a quarter of a nat a token below the sampler: (-0.5 + 1) / 2. */
  @Test
  void theDriftIsThatFromTheSampler() {
    assertThat(gradients(objective("grpo", "off_policy_mask_threshold", "0.2"), row(-2, 1)))
        .containsExactly(new double[2], FLOAT);
    assertThat(gradients(objective("grpo", "off_policy_mask_threshold", "0.3"), row(-2, 1)))
        .containsExactly(new double[] {1, 1}, FLOAT);
  }
}

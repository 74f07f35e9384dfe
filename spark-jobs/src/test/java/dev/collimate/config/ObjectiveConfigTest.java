package dev.collimate.config;

import static dev.collimate.config.RunConfigTest.LEAST;
import static dev.collimate.config.RunConfigTest.read;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Options of an objective that are lists, or that act beside others alone. */
class ObjectiveConfigTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "objective={name: dpo}",
        "objective={name: dpo, loss_type: exo_pair, label_smoothing: 1e-3}",
        "objective={name: dpo, loss_type: [apo_zero, aot]}",
        "objective={name: dpo, use_weighting: true}",
        "objective={name: wpo, label_smoothing: 0.2}"
      })
  void theResolvedFileReadsBackAsTheSameRun(String override) {
    RunConfig config = read(LEAST, override);
    assertThat(read(RunConfig.yaml(config.resolved()))).isEqualTo(config);
    assertThat(RunConfig.ofResolved(config.resolved())).isEqualTo(config);
  }

  @Test
  void aListOfOneLossIsThatLoss() {
    RunConfig config = read(LEAST, "objective.loss_type=[ipo]");
    assertThat(config).isEqualTo(read(LEAST, "objective.loss_type=ipo"));
    assertThat(config.objective().options()).containsEntry("loss_type", "ipo");
  }

  @Test
  void mixturesAreTheSameRunWhereTheirListsAre() {
    RunConfig config = read(LEAST, "objective.loss_type=[sigmoid, sft]");
    RunConfig other =
        read(LEAST, "objective.loss_type=[sigmoid, sft]", "objective.loss_weights=[1.0, 0.5]");
    assertThat(RunConfig.ofResolved(other.resolved()).differences(other)).isEmpty();
    assertThat(other.differences(config))
        .containsExactly("objective.loss_weights is [] there and [1.0,0.5] here");
    assertThat(config.differences(read(LEAST)))
        .containsExactly("objective.loss_type is 'sigmoid' there and [\"sigmoid\",\"sft\"] here");
  }

  @Test
  void anOptionWithoutEffectIsResolvedToNull() {
    assertThat(read(LEAST).objective().resolved())
        .containsEntry("label_smoothing", null)
        .containsEntry("f_alpha_divergence_coef", null)
        .containsEntry("f_divergence_type", "reverse_kl");
  }

  @Test
  void aReferenceFreeObjectiveHasNoReferenceModel() {
    RunConfig config = read(LEAST, "objective.reference_free=true");
    assertThat(config.resolved()).containsEntry("reference_model", null);
    assertThat(RunConfig.ofResolved(config.resolved())).isEqualTo(config);
  }
}

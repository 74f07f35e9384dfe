package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ObjectivesTest {

  @Test
  void defaultsAreFilledIn() {
    assertThat(Objectives.resolve("dpo", Map.of()).values())
        .containsExactly(Map.entry("loss_type", "sigmoid"), Map.entry("beta", 0.1));
    assertThat(Objectives.resolve("dpo", Map.of("beta", 2)).number("beta")).isEqualTo(2);
  }

  @Test
  void everyProblemOfTheSectionIsNamed() {
    assertThat(Objectives.problems("dpo", Map.of("beta", -0.1)))
        .containsExactly("objective.beta: must be a number > 0, got -0.1; usual is 0.1");
    assertThat(Objectives.problems("dpo", Map.of("beta", Double.POSITIVE_INFINITY))).hasSize(1);
    assertThat(Objectives.problems("dpo", Map.of("loss_type", "ipo", "bta", 1)))
        .containsExactlyInAnyOrder(
            "objective.loss_type: 'ipo' is not supported yet; accepted is sigmoid",
            "objective.bta: unknown key, did you mean 'beta'?");
    assertThat(Objectives.problems("dpo", Map.of("loss_type", "sigmoidal")))
        .containsExactly("objective.loss_type: must be sigmoid, got 'sigmoidal'");
    assertThat(Objectives.problems("dpo", Map.of("label_smoothing", 0.1)))
        .containsExactly("objective.label_smoothing: is not supported yet");
  }

  @Test
  void aKeyOfAnotherObjectiveNamesIt() {
    assertThat(Objectives.problems("sft", Map.of("beta", 0.1)))
        .containsExactly("objective.beta: has no effect on sft; it belongs to dpo");
  }

  @Test
  void laterNamesAreToldFromUnknownOnes() {
    assertThat(Objectives.problems("kto", Map.of()))
        .containsExactly("objective.name: 'kto' is not supported yet; supported are sft, dpo");
    assertThat(Objectives.problems("dop", Map.of()).get(0))
        .startsWith("objective.name: 'dop' is unknown, did you mean '")
        .endsWith("supported are sft, dpo");
    assertThatThrownBy(() -> Objectives.create("quicksort", Map.of()))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.name: 'quicksort' is unknown; supported are sft, dpo");
  }
}

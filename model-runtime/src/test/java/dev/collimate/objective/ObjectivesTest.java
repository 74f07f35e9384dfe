package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ObjectivesTest {

  @Test
  void defaultsAreFilledIn() {
    assertThat(Objectives.find("dpo").orElseThrow().defaults())
        .containsExactly(Map.entry("loss_type", "sigmoid"), Map.entry("beta", 0.1));
    assertThat(Objectives.create("dpo", Map.of("beta", 2.0)).declaration().name()).isEqualTo("dpo");
  }

  @Test
  void theTableSaysWhoReadsTheReference() {
    assertThat(Objectives.find("dpo").orElseThrow().needsReference()).isTrue();
    assertThat(Objectives.find("sft").orElseThrow().needsReference()).isFalse();
  }

  @Test
  void noNameIsBothBuiltAndNotBuilt() {
    assertThat(Objectives.notBuilt())
        .doesNotContainAnyElementsOf(Objectives.table().stream().map(ObjectiveSpec::name).toList());
  }

  @Test
  void whatIsNotInTheTableIsRefused() {
    assertThatThrownBy(() -> Objectives.create("quicksort", Map.of()))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.name: must be one of sft, dpo, reward, gpm, got 'quicksort'");
    assertThatThrownBy(() -> Objectives.create("sft", Map.of("beta", 0.1)))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.beta: has no effect on sft");
  }
}

package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ObjectivesTest {

  @Test
  void defaultsAreFilledIn() {
    assertThat(Objectives.find("dpo").orElseThrow().defaults())
        .containsEntry("loss_type", "sigmoid")
        .containsEntry("beta", 0.1)
        .containsEntry("loss_weights", List.of());
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
        .hasMessageMatching("objective.name: must be one of sft, dpo, .*, got 'quicksort'");
    assertThatThrownBy(() -> Objectives.create("sft", Map.of("beta", 0.1)))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.beta: has no effect on sft");
  }

  @Test
  void optionsThatDoNotGoTogetherAreRefused() {
    assertThatThrownBy(() -> Objectives.create("dpo", Map.of("loss_weights", List.of(1.0, 2.0))))
        .isInstanceOf(CollimateException.class)
        .hasMessage("objective.loss_weights: must be as many as loss_type has names");
    assertThatThrownBy(() -> Objectives.create("dpo", Map.of("loss_type", "exo_pair")))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "objective.label_smoothing: must be > 0 with loss_type exo_pair; usual is 1e-3");
  }

  @Test
  void aReferenceFreeObjectiveReadsNoReference() {
    ObjectiveSpec dpo = Objectives.find("dpo").orElseThrow();
    Map<String, Object> options = dpo.defaults();
    assertThat(dpo.declaration(options).reference()).isEqualTo(ReferenceUse.SUMS);
    options.put("ld_alpha", 0.5);
    assertThat(dpo.declaration(options).reference()).isEqualTo(ReferenceUse.TOKENS);
    options.put("reference_free", true);
    assertThat(dpo.declaration(options).reference()).isEqualTo(ReferenceUse.NONE);
  }
}

package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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

  @Test
  void theTableSaysWhatIsRead() {
    ObjectiveSpec odpo = Objectives.find("odpo").orElseThrow();
    assertThat(odpo.inputs())
        .isEqualTo(
            new ObjectiveInputs(
                "pairs: `prompt`, `chosen`, `rejected`",
                List.of("`chosen_score`", "`rejected_score`"),
                ReferenceUse.SUMS));
    assertThat(odpo.inputsByOption()).isEmpty();
    assertThat(Objectives.find("gr_dpo").orElseThrow().inputs().columns())
        .containsExactly("`group` (a name)");
    assertThat(Objectives.find("reward").orElseThrow().inputs().columns())
        .containsExactly("`margin`, optional");
  }

  @Test
  void theTableSaysWhichOptionChangesWhatIsRead() {
    assertThat(differences("dpo"))
        .containsEntry("reference_free: true", List.of("no reference model"))
        .containsEntry(
            "ld_alpha other than 1.0",
            List.of("the reference model's log-probability of every token"))
        .containsEntry("rationale_weight other than 0.0", List.of("also `rationale`"))
        .containsEntry(
            "degree_weight other than 0.0",
            List.of(
                "also `chosen_degraded_1`",
                "also `chosen_degraded_2`",
                "also `rejected_degraded_1`",
                "also `rejected_degraded_2`"))
        .hasSize(4);
    assertThat(differences("napo"))
        .containsEntry("extra_rejected: 2", List.of("also `rejected_1`", "also `rejected_2`"));
    assertThat(differences("mapl"))
        .containsEntry("intra_weight: 0", List.of("not `prompt_violating`"));
    assertThat(differences("tpo"))
        .containsEntry("tpo_alpha: 0", List.of("pairs: `prompt`, `chosen`, `rejected`"));
  }

  private static Map<String, List<String>> differences(String name) {
    ObjectiveSpec spec = Objectives.find(name).orElseThrow();
    Map<String, List<String>> differences = new TreeMap<>();
    spec.inputsByOption()
        .forEach((setting, inputs) -> differences.put(setting, inputs.unlike(spec.inputs())));
    return differences;
  }
}

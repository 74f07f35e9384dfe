package dev.collimate.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The models of the fixtures folder open, with every tensor accounted for. */
@Tag("fixtures")
class ModelFixturesTest {

  @Test
  void everyTensorIsDescribedByTheConfig() throws IOException {
    assertThat(ModelFixtures.causalModels())
        .hasSizeGreaterThan(4)
        .allSatisfy(
            name -> {
              try (ModelFolder model = ModelFolder.open(ModelFixtures.model(name))) {
                assertThat(model.layout().parameters().parameters())
                    .hasSameSizeAs(model.tensors().names());
                assertThat(model.config().ignoredKeys()).isEmpty();
              }
            });
  }

  @Test
  void shardsAreOneSetOfTensors() {
    try (ModelFolder model = ModelFolder.open(ModelFixtures.model("llama-sharded"))) {
      assertThat(model.tensors().bytes()).isEqualTo(394_496);
      assertThat(model.tensors().headers()).hasSize(5);
    }
  }

  @Test
  void sequenceClassificationIsRefusedByName() {
    assertThatThrownBy(() -> ModelFolder.open(ModelFixtures.model("llama-reward")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("LlamaForSequenceClassification")
        .hasMessageContaining("not supported yet");
  }

  @Test
  void anAdapterHasItsFactorsForEveryTargetOfItsModel() {
    try (ModelFolder model = ModelFolder.open(ModelFixtures.model("llama-gqa"));
        AdapterFolder adapter = AdapterFolder.open(ModelFixtures.model("llama-gqa/adapter"))) {
      AdapterLayout layout = adapter.layout(model.layout());
      assertThat(layout.targets()).hasSize(9);
      assertThat(adapter.config().scale()).isEqualTo(2);
      assertThat(adapter.values(layout).size()).isEqualTo(layout.parameters().size());
      assertThat(layout.targets().get(0).a().name())
          .isEqualTo("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
    }
  }
}

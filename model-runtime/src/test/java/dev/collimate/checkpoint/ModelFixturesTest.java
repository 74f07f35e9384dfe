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
}

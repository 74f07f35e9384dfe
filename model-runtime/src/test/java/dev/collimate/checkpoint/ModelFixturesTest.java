package dev.collimate.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    Folder folder = ModelFixtures.model("llama-reward");
    assertThatThrownBy(() -> ModelFolder.open(folder))
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

  @Test
  void writingAModelAgainGivesTheSameBytes(@TempDir Path directory) throws IOException {
    assertThat(ModelFixtures.causalModels())
        .allSatisfy(
            name -> {
              Path target = directory.resolve(name);
              Folder source = ModelFixtures.model(name);
              try (ModelFolder model = ModelFolder.open(source)) {
                boolean sharded = model.tensors().headers().size() > 1;
                ModelWriter.write(
                    model,
                    model.layout().parameters(),
                    values(model),
                    SaveDtype.BASE,
                    new LocalFolderSink(target),
                    sharded ? 82_500 : Long.MAX_VALUE);
              }
              LocalFolder written = LocalFolder.existing(target);
              for (String file : written.names()) {
                assertThat(written.readWhole(file)).as(file).isEqualTo(source.readWhole(file));
              }
            });
  }

  @Test
  void writingAnAdapterAgainGivesTheSameBytes(@TempDir Path directory) throws IOException {
    Folder source = ModelFixtures.model("llama-gqa/adapter");
    try (ModelFolder model = ModelFolder.open(ModelFixtures.model("llama-gqa"));
        AdapterFolder adapter = AdapterFolder.open(source)) {
      AdapterLayout layout = adapter.layout(model.layout());
      AdapterWriter.write(
          adapter.config(),
          layout,
          adapter.values(layout),
          SaveDtype.BASE,
          new LocalFolderSink(directory));
    }
    LocalFolder written = LocalFolder.existing(directory);
    assertThat(written.readWhole("adapter_model.safetensors"))
        .isEqualTo(source.readWhole("adapter_model.safetensors"));
    assertThat(JsonFile.read(written, "adapter_config.json"))
        .isEqualTo(JsonFile.read(source, "adapter_config.json"));
  }

  private static FlatVector values(ModelFolder model) {
    ParameterLayout layout = model.layout().parameters();
    FlatVector values = new FlatVector(layout.size());
    for (int i = 0; i < layout.parameters().size(); i++) {
      values.put(
          layout.offsets().get(i),
          FloatBuffer.wrap(model.tensors().readFloat32(layout.parameters().get(i).name())));
    }
    return values;
  }
}

package dev.collimate.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.Fixtures;
import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The models of the fixtures folder open, with every tensor accounted for. */
@Tag("fixtures")
class ModelFixturesTest {

  @Test
  void everyTensorIsDescribedByTheConfig() throws IOException {
    assertThat(ModelFixtures.supportedModels())
        .isNotEmpty()
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
  void shardsAreOneSetOfTensors() throws IOException {
    assertThat(ModelFixtures.modelsWith("model.safetensors.index.json"))
        .isNotEmpty()
        .allSatisfy(
            name -> {
              Folder folder = ModelFixtures.model(name);
              JsonNode index = JsonFile.read(folder, "model.safetensors.index.json");
              Set<String> shards = new HashSet<>();
              index.get("weight_map").forEach(shard -> shards.add(shard.asText()));
              try (ModelFolder model = ModelFolder.open(folder)) {
                assertThat(model.tensors().bytes())
                    .isEqualTo(index.at("/metadata/total_size").asLong());
                assertThat(model.tensors().headers()).hasSameSizeAs(shards);
              }
            });
  }

  @Test
  void aSequenceClassifierHasAScoreInPlaceOfAnOutputHead() throws IOException {
    assertThat(ModelFixtures.modelsWith("config.json"))
        .filteredOn(name -> Fixtures.isClassifier(ModelFixtures.models().resolve(name)))
        .isNotEmpty()
        .allSatisfy(
            name -> {
              try (ModelFolder model = ModelFolder.open(ModelFixtures.model(name))) {
                assertThat(model.config().numLabels()).isEqualTo(1);
                assertThat(model.layout().head().weight()).isEqualTo("score.weight");
                assertThat(model.layout().head().weightShape()).containsExactly(1L, 48L);
              }
            });
  }

  @Test
  void anAdapterHasItsFactorsForEveryTargetOfItsModel() throws IOException {
    assertThat(ModelFixtures.modelsWith("adapter"))
        .isNotEmpty()
        .allSatisfy(
            name -> {
              try (ModelFolder model = ModelFolder.open(ModelFixtures.model(name));
                  AdapterFolder adapter =
                      AdapterFolder.open(ModelFixtures.model(name + "/adapter"))) {
                AdapterLayout layout = adapter.layout(model.layout());
                assertThat(layout.targets()).isNotEmpty();
                assertThat(adapter.values(layout).size()).isEqualTo(layout.parameters().size());
                assertThat(layout.parameters().parameters())
                    .isNotEmpty()
                    .allSatisfy(
                        factor ->
                            assertThat(factor.name())
                                .startsWith("base_model.model.")
                                .contains("lora_"));
              }
            });
  }

  @Test
  void writingAModelAgainGivesTheSameBytes(@TempDir Path directory) throws IOException {
    assertThat(ModelFixtures.supportedModels())
        .isNotEmpty()
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
    assertThat(ModelFixtures.modelsWith("adapter"))
        .isNotEmpty()
        .allSatisfy(
            name -> {
              Path target = directory.resolve(name);
              Folder source = ModelFixtures.model(name + "/adapter");
              try (ModelFolder model = ModelFolder.open(ModelFixtures.model(name));
                  AdapterFolder adapter = AdapterFolder.open(source)) {
                AdapterLayout layout = adapter.layout(model.layout());
                AdapterWriter.write(
                    adapter.config(),
                    layout,
                    adapter.values(layout),
                    SaveDtype.BASE,
                    new LocalFolderSink(target));
              }
              LocalFolder written = LocalFolder.existing(target);
              assertThat(written.readWhole("adapter_model.safetensors"))
                  .isEqualTo(source.readWhole("adapter_model.safetensors"));
              assertThat(JsonFile.read(written, "adapter_config.json"))
                  .isEqualTo(JsonFile.read(source, "adapter_config.json"));
            });
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

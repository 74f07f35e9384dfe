package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelWriterTest {

  private static final ParameterLayout NOTHING = new ParameterLayout(List.of());

  @TempDir Path directory;

  @Test
  void trainedTensorsReplaceTheBasesAndOthersStay() throws IOException {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    Parameter norm = new Parameter("model.norm.weight", List.of(8L));
    FlatVector values = new FlatVector(8);
    values.put(0, FloatBuffer.wrap(new float[] {1, 2, 3, 4, 5, 6, 7, 8.125f}));
    LocalFolder out = write(base, new ParameterLayout(List.of(norm)), values, SaveDtype.BASE);
    try (ModelFolder before = ModelFolder.open(base);
        ModelFolder after = ModelFolder.open(out)) {
      assertThat(after.tensors().readFloat32("model.norm.weight"))
          .containsExactly(1, 2, 3, 4, 5, 6, 7, 8.125f);
      assertThat(after.tensors().readFloat32("lm_head.weight"))
          .isEqualTo(before.tensors().readFloat32("lm_head.weight"));
      assertThat(after.tensors().names()).isEqualTo(before.tensors().names());
    }
    assertThat(out.names()).containsExactly("config.json", "model.safetensors", "tokenizer.json");
    assertThat(out.readWhole("tokenizer.json")).isEqualTo(base.readWhole("tokenizer.json"));
  }

  @Test
  void configKeepsItsKeysAndNotesTheDtype() throws IOException {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.GPT2);
    LocalFolder out = write(base, NOTHING, new FlatVector(0), SaveDtype.BFLOAT16);
    ObjectNode before = JsonFile.read(base, "config.json");
    ObjectNode after = JsonFile.read(out, "config.json");
    assertThat(after.path("torch_dtype").textValue()).isEqualTo("bfloat16");
    assertThat(after.without("torch_dtype").toString())
        .isEqualTo(before.without("torch_dtype").toString());
    try (ModelFolder model = ModelFolder.open(out)) {
      assertThat(model.tensors().names())
          .allSatisfy(name -> assertThat(model.tensors().dtype(name)).isEqualTo(Dtype.BF16));
    }
  }

  @Test
  void shardsFollowTheOrderOfTheModelAndTheirIndexSumsThemUp() throws IOException {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    Path target = directory.resolve("out");
    try (ModelFolder model = ModelFolder.open(base)) {
      ModelWriter.write(
          model, NOTHING, new FlatVector(0), SaveDtype.BASE, new LocalFolderSink(target), 2000);
      LocalFolder out = LocalFolder.existing(target);
      assertThat(out.names()).contains("model-00001-of-00004.safetensors");
      ObjectNode index = JsonFile.read(out, "model.safetensors.index.json");
      assertThat(index.path("metadata").path("total_size").longValue())
          .isEqualTo(model.tensors().bytes());
      assertThat(index.path("weight_map").path("model.embed_tokens.weight").textValue())
          .isEqualTo("model-00001-of-00004.safetensors");
      assertThat(index.path("weight_map").path("lm_head.weight").textValue())
          .isEqualTo("model-00004-of-00004.safetensors");
      try (ModelFolder sharded = ModelFolder.open(out)) {
        assertThat(sharded.tensors().names()).isEqualTo(model.tensors().names());
        assertThat(model.tensors().names())
            .allSatisfy(
                name ->
                    assertThat(sharded.tensors().readFloat32(name))
                        .isEqualTo(model.tensors().readFloat32(name)));
      }
    }
  }

  @Test
  void configIsTheLastFile() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    try (ModelFolder model = ModelFolder.open(base)) {
      RecordingSink sink = new RecordingSink(new LocalFolderSink(directory.resolve("out")));
      ModelWriter.write(model, NOTHING, new FlatVector(0), SaveDtype.BASE, sink);
      assertThat(sink.created())
          .containsExactly("model.safetensors", "tokenizer.json", "config.json");
    }
  }

  @Test
  void aValueBeyondFloat16IsRefusedByTensor() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    Parameter norm = new Parameter("model.norm.weight", List.of(8L));
    FlatVector values = new FlatVector(8);
    values.set(3, 65_520);
    ParameterLayout trained = new ParameterLayout(List.of(norm));
    assertThatThrownBy(() -> write(base, trained, values, SaveDtype.FLOAT16))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(
            "Tensor 'model.norm.weight' holds 65520.0, which is too large for float16");
  }

  @Test
  void aTensorThatTheBaseLacksIsAProgrammingError() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    ParameterLayout trained =
        new ParameterLayout(List.of(new Parameter("model.norm.weight", List.of(9L))));
    assertThatThrownBy(() -> write(base, trained, new FlatVector(9), SaveDtype.BASE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model.norm.weight");
  }

  @Test
  void saveDtypeIsOneOfFourWords() {
    assertThat(SaveDtype.of("bfloat16")).isEqualTo(SaveDtype.BFLOAT16);
    assertThatThrownBy(() -> SaveDtype.of("int8"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "'int8' is not a dtype of weights; base, float32, bfloat16 and float16 are accepted");
  }

  @Test
  void jsonIsWrittenAsPythonIndentsIt() {
    String text =
        "{\n  \"a\": [\n    1,\n    2.0\n  ],\n  \"b\": {},\n  \"c\": [],\n  \"d\": NaN\n}\n";
    assertThat(JsonFile.write(JsonFile.parse(text.getBytes(UTF_8), "text")))
        .isEqualTo(text.getBytes(UTF_8));
  }

  private LocalFolder write(
      LocalFolder base, ParameterLayout trained, FlatVector values, SaveDtype dtype) {
    Path target = directory.resolve("out");
    try (ModelFolder model = ModelFolder.open(base)) {
      ModelWriter.write(model, trained, values, dtype, new LocalFolderSink(target));
    }
    return LocalFolder.existing(target);
  }
}

package dev.collimate.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFolderTest {

  @TempDir Path root;
  private Path directory;

  @BeforeEach
  void place() {
    directory = root.resolve("model");
  }

  @Test
  void tensorsAreListedInTransformersOrder() {
    try (ModelFolder model = ModelFolder.open(ToyFolders.model(directory, ToyFolders.LLAMA))) {
      assertThat(model.hasTokenizer()).isTrue();
      assertThat(names(model).subList(0, 10))
          .containsExactly(
              "model.embed_tokens.weight",
              "model.layers.0.self_attn.q_proj.weight",
              "model.layers.0.self_attn.k_proj.weight",
              "model.layers.0.self_attn.v_proj.weight",
              "model.layers.0.self_attn.o_proj.weight",
              "model.layers.0.mlp.gate_proj.weight",
              "model.layers.0.mlp.up_proj.weight",
              "model.layers.0.mlp.down_proj.weight",
              "model.layers.0.input_layernorm.weight",
              "model.layers.0.post_attention_layernorm.weight");
      assertThat(names(model)).endsWith("model.norm.weight", "lm_head.weight");
    }
  }

  @Test
  void gpt2OpensWithAndWithoutItsPrefix() throws IOException {
    LocalFolder folder = ToyFolders.model(directory, ToyFolders.GPT2);
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertThat(names(model)).startsWith("transformer.wte.weight", "transformer.wpe.weight");
      assertThat(names(model)).contains("transformer.h.1.attn.c_attn.bias");
    }
    rewrite(
        tensors ->
            tensors.replaceAll(
                tensor -> renamed(tensor, tensor.name().substring("transformer.".length()))));
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertThat(names(model)).startsWith("wte.weight", "wpe.weight");
      DecoderLayout.Linear fused = model.layout().layers().get(0).attentionInputs().get(0);
      assertThat(fused.weight()).isEqualTo("h.0.attn.c_attn.weight");
      assertThat(fused.module()).isEqualTo("transformer.h.0.attn.c_attn");
      assertThat(fused.weightShape()).containsExactly(8L, 24L);
    }
  }

  @Test
  void aMissingTensorIsNamedWithItsShape() throws IOException {
    ToyFolders.model(directory, ToyFolders.LLAMA);
    rewrite(tensors -> tensors.removeIf(t -> t.name().equals("model.norm.weight")));
    assertRefused("Tensor 'model.norm.weight' is missing", "shape [8] is expected");
  }

  @Test
  void aMissingHeadIsExplainedByTheTyingKey() throws IOException {
    ToyFolders.model(directory, ToyFolders.LLAMA);
    rewrite(tensors -> tensors.removeIf(t -> t.name().equals("lm_head.weight")));
    assertRefused("Tensor 'lm_head.weight' is missing", "tie_word_embeddings is false");
  }

  @Test
  void aWrongShapeIsNamedWithTheOneExpected() throws IOException {
    ToyFolders.model(directory, ToyFolders.LLAMA);
    rewrite(
        tensors ->
            tensors.replaceAll(
                tensor ->
                    tensor.name().endsWith("1.self_attn.k_proj.weight")
                        ? zeros(tensor.name(), 8L, 4L)
                        : tensor));
    assertRefused(
        "Tensor 'model.layers.1.self_attn.k_proj.weight'",
        "has shape [8, 4], config.json makes it [4, 8]");
  }

  @Test
  void anUnexpectedTensorIsRefused() throws IOException {
    ToyFolders.model(directory, ToyFolders.LLAMA);
    rewrite(tensors -> tensors.add(zeros("model.layers.0.self_attn.q_proj.bias", 8L)));
    assertRefused(
        "Tensor 'model.layers.0.self_attn.q_proj.bias'", "belongs to nothing that config.json");
  }

  @Test
  void buffersOfOldCheckpointsArePassedOver() throws IOException {
    ToyFolders.model(directory, ToyFolders.LLAMA);
    rewrite(tensors -> tensors.add(zeros("model.layers.0.self_attn.rotary_emb.inv_freq", 1L)));
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(directory))) {
      assertThat(names(model)).noneMatch(name -> name.contains("inv_freq"));
    }

    directory = root.resolve("gpt2");
    ToyFolders.model(directory, ToyFolders.GPT2);
    rewrite(
        tensors -> {
          tensors.add(zeros("transformer.h.0.attn.bias", 1L, 1L, 16L, 16L));
          tensors.add(zeros("transformer.h.0.attn.masked_bias"));
        });
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(directory))) {
      assertThat(names(model))
          .doesNotContain("transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias");
    }
  }

  @Test
  void aStoredCopyOfATiedHeadMustBeTheEmbedding() throws IOException {
    ToyFolders.model(directory, ToyFolders.LLAMA_TIED);
    rewrite(tensors -> tensors.add(renamed(tensors.get(0), "lm_head.weight")));
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(directory))) {
      assertThat(names(model)).doesNotContain("lm_head.weight");
      assertThat(model.layout().head().weight()).isEqualTo("model.embed_tokens.weight");
    }
    rewrite(
        tensors ->
            tensors.replaceAll(
                tensor ->
                    tensor.name().equals("lm_head.weight")
                        ? zeros(tensor.name(), 12L, 8L)
                        : tensor));
    assertRefused("Tensor 'lm_head.weight'", "although tie_word_embeddings is true");
  }

  @Test
  void theFingerprintTellsFoldersApartAndTheContentHashEveryByte() throws IOException {
    LocalFolder folder = ToyFolders.model(directory, ToyFolders.LLAMA);
    String fingerprint;
    String contentHash;
    try (ModelFolder model = ModelFolder.open(folder)) {
      fingerprint = model.fingerprint();
      contentHash = model.contentHash();
      assertThat(fingerprint).matches("[0-9a-f]{64}");
    }
    byte[] bytes = folder.readWhole("model.safetensors");
    bytes[bytes.length - 1] ^= 1;
    Files.write(directory.resolve("model.safetensors"), bytes);
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertThat(model.contentHash()).isNotEqualTo(contentHash);
      assertThat(model.fingerprint()).isNotEqualTo(fingerprint);
    }
  }

  @Test
  void anAdapterIsNoModel() {
    LocalFolder folder = ToyFolders.write(directory, "adapter_config.json", "{}");
    assertThatThrownBy(() -> ModelFolder.open(folder))
        .isInstanceOf(CollimateException.class)
        .hasMessage(directory + " holds an adapter, a model folder with 'config.json' is expected");
  }

  private void assertRefused(String tensor, String expected) {
    assertThatThrownBy(() -> ModelFolder.open(LocalFolder.existing(directory)))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(tensor)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining(expected);
  }

  private static List<String> names(ModelFolder model) {
    return model.layout().parameters().parameters().stream().map(Parameter::name).toList();
  }

  /** Writes the weights of the folder again with some of them changed. */
  private void rewrite(Consumer<List<OutTensor>> change) throws IOException {
    Path file = directory.resolve("model.safetensors");
    try (TensorFiles old = TensorFiles.openModel(LocalFolder.existing(directory))) {
      List<OutTensor> tensors = new ArrayList<>();
      for (String name : old.names()) {
        tensors.add(
            new OutTensor(
                new Parameter(name, old.shape(name)),
                old.dtype(name),
                (first, into) -> old.readFloat32(name, first, into)));
      }
      tensors.sort(Comparator.comparing(t -> !t.name().contains("embed_tokens")));
      change.accept(tensors);
      Path fresh = directory.resolve("fresh");
      try (OutputStream out = Files.newOutputStream(fresh)) {
        SafetensorsWriter.write(out, tensors);
      }
      Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static OutTensor renamed(OutTensor tensor, String name) {
    return new OutTensor(
        new Parameter(name, tensor.parameter().shape()), tensor.dtype(), tensor.values());
  }

  private static OutTensor zeros(String name, Long... shape) {
    return new OutTensor(
        new Parameter(name, List.of(shape)),
        Dtype.F32,
        (first, into) -> {
          while (into.hasRemaining()) {
            into.put(0);
          }
        });
  }
}

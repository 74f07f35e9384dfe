package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolderSink;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelInitTest {

  @TempDir Path directory;

  @Test
  void oneSeedGivesOneModel() throws IOException {
    byte[] first = weights("first", ToyFolders.LLAMA, 7);
    assertThat(weights("again", ToyFolders.LLAMA, 7)).isEqualTo(first);
    assertThat(weights("other", ToyFolders.LLAMA, 8)).isNotEqualTo(first);
  }

  @Test
  void matricesAreNormalNormsOneBiasesZero() {
    String config = ToyFolders.GPT2.replace("\"n_embd\": 8", "\"n_embd\": 64");
    try (ModelFolder model =
        ModelFolder.open(ToyFolders.model(directory.resolve("gpt2"), config))) {
      TensorFiles tensors = model.tensors();
      assertThat(tensors.readFloat32("transformer.h.0.ln_1.weight")).containsOnly(1);
      assertThat(tensors.readFloat32("transformer.h.0.ln_1.bias")).containsOnly(0);
      assertThat(tensors.readFloat32("transformer.h.0.attn.c_attn.bias")).containsOnly(0);
      // 3 and 4 standard errors of 12,288 and 16,384 draws are below 3 percent.
      assertThat(deviation(tensors.readFloat32("transformer.h.0.attn.c_attn.weight")))
          .isCloseTo(0.02, within(0.0006));
      // GPT-2's residual projections: 0.02 / sqrt(2 * 2 layers).
      assertThat(deviation(tensors.readFloat32("transformer.h.1.mlp.c_proj.weight")))
          .isCloseTo(0.01, within(0.0003));
    }
  }

  @Test
  void theRowOfThePadTokenIsZeroWhereTransformersMakesItSo() {
    try (ModelFolder model =
        ModelFolder.open(ToyFolders.model(directory.resolve("llama"), ToyFolders.LLAMA))) {
      float[] embedding = model.tensors().readFloat32("model.embed_tokens.weight");
      assertThat(Arrays.copyOfRange(embedding, 24, 32)).containsOnly(0);
      assertThat(Arrays.copyOfRange(embedding, 16, 24)).doesNotContain(0);
    }
  }

  @Test
  void weightsTakeTheDtypeOfTheConfig() {
    String config =
        ToyFolders.LLAMA.replace("\"vocab_size\"", "\"torch_dtype\": \"bfloat16\", \"vocab_size\"");
    try (ModelFolder model =
        ModelFolder.open(ToyFolders.model(directory.resolve("bf16"), config))) {
      assertThat(model.tensors().dtype("lm_head.weight")).isEqualTo(Dtype.BF16);
    }
    assertThatThrownBy(
            () -> ToyFolders.model(directory.resolve("f64"), config.replace("bfloat16", "float64")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("'torch_dtype' is \"float64\", float32, bfloat16 and float16");
  }

  @Test
  void aTokenizerWithMoreTokensThanRowsIsRefused() {
    String config = ToyFolders.LLAMA.replace("\"vocab_size\": 12", "\"vocab_size\": 11");
    Path target = directory.resolve("small");
    assertThatThrownBy(() -> ToyFolders.model(target, config))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("has token ids up to 11, but config.json has vocab_size 11");
    assertThat(target).doesNotExist();
  }

  @Test
  void tokensThatOnlyTheTokenizersConfigNamesNeedRowsToo() {
    ToyFolders.write(
        directory.resolve("named"), "tokenizer_config.json", "{\"eos_token\": \"<end>\"}");
    Folder tokenizer = ToyFolders.tokenizer(directory.resolve("named"));
    assertThatThrownBy(() -> TokenizerVocab.requireFits(tokenizer, 12))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("has token ids up to 12, but config.json has vocab_size 12; 13 or");
    TokenizerVocab.requireFits(tokenizer, 13);
  }

  private byte[] weights(String name, String config, long seed) throws IOException {
    Folder tokenizer = ToyFolders.tokenizer(directory.resolve("tokenizer"));
    Path target = directory.resolve(name);
    ModelInit.write(config.getBytes(UTF_8), "toy", tokenizer, new LocalFolderSink(target), seed);
    return Files.readAllBytes(target.resolve("model.safetensors"));
  }

  private static double deviation(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares / values.length);
  }
}

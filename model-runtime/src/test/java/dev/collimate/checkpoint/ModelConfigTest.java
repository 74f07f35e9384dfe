package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {

  @TempDir Path directory;

  @Test
  void missingKeysTakeTransformersDefaultsOfTheFamily() {
    ModelConfig llama = parse(ToyFolders.LLAMA);
    assertThat(llama.family()).isEqualTo(Family.LLAMA);
    assertThat(llama.layers()).isEqualTo(2);
    assertThat(llama.windows()).containsExactly(0, 0);
    assertThat(llama.attention())
        .isEqualTo(
            new ModelConfig.Attention(4, 2, 2, false, false, false, 1 / Math.sqrt(2), false));
    assertThat(llama.positions()).isEqualTo(new Rope(10_000, new Rope.Plain()));
    assertThat(llama.normEpsilon()).isEqualTo(1e-6);
    assertThat(llama.tiedEmbeddings()).isFalse();
    assertThat(llama.maxPositions()).isEqualTo(2048);

    ModelConfig gpt2 = parse(ToyFolders.GPT2);
    assertThat(gpt2.tiedEmbeddings()).isTrue();
    assertThat(gpt2.mlp()).isEqualTo(new ModelConfig.Mlp(false, true, Activation.GELU_TANH));
    assertThat(gpt2.intermediateSize()).isEqualTo(32);
    assertThat(gpt2.positions()).isEqualTo(new Positions.Learned(16));
    assertThat(gpt2.dropout()).isEqualTo(new ModelConfig.Dropout(0.1, 0.1, 0.1));
    assertThat(gpt2.norm()).isEqualTo(ModelConfig.Norm.LAYER);
    assertThat(gpt2.ignoredKeys()).containsExactly("custom_note");
  }

  @Test
  void familiesDifferInBiasesNormsAndWindows() {
    ModelConfig qwen2 = parse(family("Qwen2ForCausalLM", "qwen2", ""));
    assertThat(qwen2.attention().inputBias()).isTrue();
    assertThat(qwen2.attention().outputBias()).isFalse();
    assertThat(qwen2.windows()).containsExactly(0, 0);

    ModelConfig qwen3 = parse(family("Qwen3ForCausalLM", "qwen3", ""));
    assertThat(qwen3.attention().queryKeyNorm()).isTrue();
    assertThat(qwen3.attention().headDim()).isEqualTo(128);

    ModelConfig mistral = parse(family("MistralForCausalLM", "mistral", ""));
    assertThat(mistral.windows()).containsExactly(4096, 4096);
    assertThat(
            parse(family("MistralForCausalLM", "mistral", ", \"sliding_window\": null")).windows())
        .containsExactly(0, 0);

    ModelConfig biased =
        parse(with("\"attention_bias\": true, \"mlp_bias\": true, \"head_dim\": 6"));
    assertThat(biased.attention().outputBias()).isTrue();
    assertThat(biased.mlp().bias()).isTrue();
    assertThat(biased.attention().headDim()).isEqualTo(6);
  }

  @Test
  void qwenSlidesFromTheFirstWindowedLayerOn() {
    String sliding = ", \"use_sliding_window\": true, \"sliding_window\": 5";
    assertThat(
            parse(family("Qwen2ForCausalLM", "qwen2", sliding + ", \"max_window_layers\": 1"))
                .windows())
        .containsExactly(0, 5);
    assertThat(
            parse(
                    family(
                        "Qwen3ForCausalLM",
                        "qwen3",
                        sliding + ", \"layer_types\": [\"sliding_attention\", \"full_attention\"]"))
                .windows())
        .containsExactly(5, 0);
  }

  @Test
  void rotaryPositionsAreReadInEveryLayout() {
    Rope.Llama3 llama3 = new Rope.Llama3(8, 1, 4, 8192);
    String scaling =
        "\"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0,"
            + " \"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"";
    assertThat(
            parse(with("\"rope_theta\": 500000.0, \"rope_scaling\": {" + scaling + "}"))
                .positions())
        .isEqualTo(new Rope(500_000, llama3));
    assertThat(
            parse(with("\"rope_parameters\": {\"rope_theta\": 500000.0, " + scaling + "}"))
                .positions())
        .isEqualTo(new Rope(500_000, llama3));
    assertThat(parse(with("\"rope_scaling\": {\"type\": \"linear\", \"factor\": 4}")).positions())
        .isEqualTo(new Rope(10_000, new Rope.Linear(4)));
    assertThat(parse(with("\"rope_parameters\": {\"rope_type\": \"default\"}")).positions())
        .isEqualTo(new Rope(10_000, new Rope.Plain()));
  }

  /**
   * Wavelengths of theta 10000 and head size 4 are 2 pi and 200 pi = 628.3. With 1024 original
   * positions, factors 1 and 4 set the borders 256 and 1024: the first stays; the second blends by
   * (1024 / 628.3 - 1) / 3 = 0.2099.
   */
  @Test
  void llama3ScalingKeepsShortWavelengthsAndBlendsMiddleOnes() {
    Rope rope = new Rope(10_000, new Rope.Llama3(8, 1, 4, 1024));
    double smooth = (1024 / (200 * Math.PI) - 1) / 3;
    assertThat(rope.inverseFrequencies(4)[0]).isEqualTo(1);
    assertThat((double) rope.inverseFrequencies(4)[1])
        .isCloseTo(0.01 * ((1 - smooth) / 8 + smooth), within(1e-9));
    assertThat(new Rope(10_000, new Rope.Llama3(8, 1, 4, 128)).inverseFrequencies(4)[1])
        .isEqualTo(0.01f / 8);
  }

  @Test
  void tokensThatEndAGenerationComeFromItsConfigFirst() {
    ToyFolders.write(directory, "config.json", with("\"eos_token_id\": 2, \"bos_token_id\": -1"));
    ToyFolders.write(
        directory, "generation_config.json", "{\"eos_token_id\": [4, 5], \"bos_token_id\": 1}");
    ModelConfig config = ModelConfig.read(LocalFolder.existing(directory));
    assertThat(config.tokens().eos()).isEqualTo(List.of(4, 5));
    assertThat(config.tokens().bos()).hasValue(1);
    assertThat(config.tokens().pad()).hasValue(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "architectures": ["MambaForCausalLM"]     | 'architectures' is ["MambaForCausalLM"], one of LlamaForCausalLM, MistralForCausalLM
          "architectures": ["Qwen2ForTokenClassification"]    | one of LlamaForCausalLM, MistralForCausalLM
          "model_type": "qwen2"                     | 'model_type' is "qwen2", 'llama' is expected
          "hidden_size": "8"                        | 'hidden_size' is "8", an integer of at least 1
          "vocab_size": null                        | 'vocab_size' is missing
          "num_key_value_heads": 3                  | 'num_key_value_heads' is 3, a divisor of num_attention_heads = 4
          "num_attention_heads": 3, "num_key_value_heads": 1 | 'num_attention_heads' is 3, a divisor of the hidden size = 8
          "head_dim": 3                             | 'head_dim' is 3, rotary positions need an even head size
          "head_dim": 1073741824                    | 'head_dim' is 1073741824, which makes a weight of 4294967296 rows, at most 2147483647
          "hidden_act": "relu"                      | 'hidden_act' is "relu", silu, gelu, gelu_new and gelu_pytorch_tanh
          "rms_norm_eps": 0                         | 'rms_norm_eps' is 0, a number above 0
          "attention_dropout": 1.0                  | 'attention_dropout' is 1.0, a number of at least 0 and below 1
          "tie_word_embeddings": "yes"              | 'tie_word_embeddings' is "yes", true or false
          "eos_token_id": [2, 12]                   | 'eos_token_id' is [2,12], token ids below vocab_size = 12
          "partial_rotary_factor": 0.5              | 'partial_rotary_factor' is 0.5, which changes the mathematics
          "quantization_config": {"bits": 4}        | 'quantization_config' is {"bits":4}, which changes the mathematics
          "num_local_experts": 8                    | 'num_local_experts' is 8, which changes the mathematics
          "logits_scaling": 16.0                    | 'logits_scaling' is 16.0, which changes the mathematics
          "final_logit_softcapping": 30.0           | 'final_logit_softcapping' is 30.0, which changes the mathematics
          "rope_scaling": {"type": "dynamic", "factor": 2.0} | 'rope_scaling.type' is "dynamic", default, linear and llama3
          "rope_scaling": {"rope_type": "yarn", "factor": 2.0} | 'rope_scaling.rope_type' is "yarn"
          "rope_scaling": {"type": "linear"}        | 'rope_scaling.factor' is missing
          "rope_scaling": {"type": "linear", "factor": 2, "beta": 3} | 'rope_scaling.beta' is 3, which is not supported
          "rope_parameters": {"partial_rotary_factor": 0.5} | 'rope_parameters.partial_rotary_factor' is 0.5
          "rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "default"} | only one of rope_scaling and rope_parameters
          "layer_types": ["full_attention"]         | one entry per layer (2)
          "layer_types": ["sliding_attention", "full_attention"] | with an active sliding_window
          """)
  void whatChangesTheMathematicsIsRefusedByKeyAndValue(String keys, String message) {
    assertThatThrownBy(() -> parse(with(keys)))
        .isInstanceOfSatisfying(
            CollimateException.class,
            e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.DATA))
        .hasMessageContaining("toy config")
        .hasMessageContaining(message);
  }

  @Test
  void inactiveKeysOfOtherArchitecturesArePassedOver() {
    ModelConfig config =
        parse(
            with(
                "\"quantization_config\": null, \"use_mrope\": false, \"partial_rotary_factor\": 1.0,"
                    + " \"num_experts\": 0, \"unsloth_version\": \"2024.9\""));
    assertThat(config.ignoredKeys()).containsExactly("unsloth_version");
  }

  @Test
  void gpt2MayScaleByLayerOrNotAtAll() {
    ModelConfig config =
        parse(
            ToyFolders.GPT2.replace(
                "\"custom_note\": \"kept\"",
                "\"scale_attn_by_inverse_layer_idx\": true, \"scale_attn_weights\": false"));
    assertThat(config.attention().scale(0)).isEqualTo(1);
    assertThat(config.attention().scale(1)).isEqualTo(0.5);
  }

  @Test
  void aWidthWhoseMultiplesAreBeyondIntegersIsRefused() {
    String wide = ToyFolders.GPT2.replace("\"n_embd\": 8", "\"n_embd\": 1073741824");
    assertThatThrownBy(() -> parse(wide))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(
            "'n_embd' is 1073741824, which makes a weight of 4294967296 rows, at most 2147483647");
    assertThatThrownBy(() -> parse(wide.replace("\"n_head\"", "\"n_inner\": 8, \"n_head\"")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("which makes a weight of 3221225472 rows");
  }

  @Test
  void bytesThatAreNoTextAreNotJson() {
    // Looks like UTF-32, of which 0x7fffffff is no character.
    byte[] bytes = {0, 0, 0, '{', 0x7f, -1, -1, -1};
    assertThatThrownBy(() -> ModelConfig.parse(bytes, "toy config"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("toy config is not JSON: Invalid UTF-32");
  }

  @Test
  void aConfigThatIsNotJsonNamesItsLine() {
    assertThatThrownBy(() -> parse("{\n\"vocab_size\": }"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("toy config is not JSON")
        .hasMessageContaining("(line 2)");
  }

  private static String family(String architecture, String modelType, String more) {
    return ToyFolders.LLAMA
        .replace("LlamaForCausalLM", architecture)
        .replace("\"llama\"", "\"" + modelType + "\"")
        .replace("\"pad_token_id\": 3", "\"pad_token_id\": 3" + more);
  }

  /** The toy Llama with keys added or replaced. */
  private static String with(String keys) {
    ObjectNode config = JsonFile.parse(ToyFolders.LLAMA.getBytes(UTF_8), "toy");
    config.setAll(JsonFile.parse(("{" + keys + "}").getBytes(UTF_8), "keys"));
    return config.toString();
  }

  private static ModelConfig parse(String json) {
    return ModelConfig.parse(json.getBytes(UTF_8), "toy config");
  }
}

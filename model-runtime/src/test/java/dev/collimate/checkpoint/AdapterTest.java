package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.parameters.FlatVector;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdapterTest {

  private static final DecoderLayout LLAMA = layout(ToyFolders.LLAMA);
  private static final DecoderLayout GPT2 = layout(ToyFolders.GPT2);

  @TempDir Path directory;

  @Test
  void namesMatchTheEndOfAModulesPath() {
    assertThat(modules(TargetModules.of(List.of("v_proj", "layers.1.self_attn.q_proj")), LLAMA))
        .containsExactly(
            "model.layers.0.self_attn.v_proj",
            "model.layers.1.self_attn.q_proj",
            "model.layers.1.self_attn.v_proj");
    assertThat(modules(TargetModules.of(List.of("lm_head")), LLAMA)).containsExactly("lm_head");
  }

  @Test
  void anExpressionMatchesTheWholePath() {
    assertThat(modules(TargetModules.of(".*\\.1\\.mlp\\.(up|down)_proj"), LLAMA))
        .containsExactly("model.layers.1.mlp.up_proj", "model.layers.1.mlp.down_proj");
  }

  @Test
  void allLinearLeavesOutTheHead() {
    assertThat(modules(TargetModules.of("all-linear"), LLAMA))
        .hasSize(14)
        .doesNotContain("lm_head");
    assertThat(modules(TargetModules.of(List.of("all-linear")), GPT2))
        .hasSize(8)
        .contains("transformer.h.0.attn.c_attn");
  }

  @Test
  void aNameWithoutAMatchIsRefusedWithTheNamesThatHaveOne() {
    AdapterConfig config = config(TargetModules.of(List.of("q_proj", "wo")));
    assertThatThrownBy(() -> AdapterLayout.of(config, LLAMA))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "target_modules: 'wo' is no linear module of the model, which has down_proj,"
                + " gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj");
  }

  @Test
  void factorsHaveTheMapsSizesWhateverTheStoredLayout() {
    AdapterLayout layout = AdapterLayout.of(config(TargetModules.of(List.of("c_attn"))), GPT2);
    AdapterLayout.Target target = layout.targets().get(0);
    assertThat(target.a().shape()).containsExactly(2L, 8L);
    assertThat(target.b().shape()).containsExactly(24L, 2L);
    assertThat(target.b().name())
        .isEqualTo("base_model.model.transformer.h.0.attn.c_attn.lora_B.weight");
    assertThat(layout.isTransposed()).isTrue();
  }

  @Test
  void theScaleIsAlphaOverRankOrItsRoot() {
    TargetModules targets = TargetModules.of("all-linear");
    assertThat(new AdapterConfig(4, 8, 0, targets, false, "").scale()).isEqualTo(2);
    assertThat(new AdapterConfig(4, 8, 0, targets, true, "").scale()).isEqualTo(4);
  }

  @Test
  void aFreshAdapterStartsAsTheBase() {
    AdapterLayout layout = AdapterLayout.of(config(TargetModules.of(List.of("q_proj"))), LLAMA);
    FlatVector values = AdapterInit.factors(layout, 3);
    float bound = (float) (1 / Math.sqrt(8));
    for (int i = 0; i < 16; i++) {
      assertThat(values.get(i)).isBetween(-bound, bound).isNotZero();
      assertThat(values.get(16 + i)).isZero();
    }
    assertThat(AdapterInit.factors(layout, 4).get(0)).isNotEqualTo(values.get(0));
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    AdapterConfig config =
        new AdapterConfig(2, 3.5, 0.25, TargetModules.of("all-linear"), true, "some/base");
    AdapterLayout layout = AdapterLayout.of(config, GPT2);
    FlatVector values = AdapterInit.factors(layout, 5);
    LocalFolder folder = write(config, layout, values);
    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertThat(adapter.config())
          .isEqualTo(
              new AdapterConfig(
                  2,
                  3.5,
                  0.25,
                  TargetModules.of(List.of("c_attn", "c_fc", "c_proj")),
                  true,
                  "some/base"));
      assertThat(adapter.layout(GPT2)).isEqualTo(layout);
      FlatVector read = adapter.values(layout);
      assertThat(read.block(0)).isEqualTo(values.block(0));
      assertThat(adapter.fingerprint()).isNotEqualTo(adapter.contentHash());
    }
    assertThat(JsonFile.read(folder, "adapter_config.json").path("fan_in_fan_out").booleanValue())
        .isTrue();
  }

  @Test
  void anAdapterOfAnotherModelIsRefusedByTensor() {
    AdapterConfig config = config(TargetModules.of(List.of("q_proj")));
    AdapterLayout layout = AdapterLayout.of(config, LLAMA);
    LocalFolder folder = write(config, layout, AdapterInit.factors(layout, 5));
    DecoderLayout wider =
        layout(ToyFolders.LLAMA.replace("\"hidden_size\": 8", "\"hidden_size\": 16"));
    DecoderLayout deeper =
        layout(ToyFolders.LLAMA.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"));
    DecoderLayout shallower =
        layout(ToyFolders.LLAMA.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"));
    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertRefused(
          adapter, wider, "has shape [2, 8], the model and adapter_config.json make it [2, 16]");
      assertRefused(adapter, deeper, "layers.2.self_attn.q_proj.lora_A.weight' is missing");
      assertRefused(adapter, shallower, "layers.1.self_attn.q_proj.lora_A.weight' in");
      assertRefused(adapter, GPT2, "does not fit the model");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "peft_type": "IA3"               | 'peft_type' is "IA3", only LORA is supported
          "task_type": "TOKEN_CLS"         | 'task_type' is "TOKEN_CLS", only CAUSAL_LM and SEQ_CLS are
          "bias": "all"                    | 'bias' is "all", only none is supported
          "use_dora": true                 | 'use_dora' is true, which is not supported
          "modules_to_save": ["lm_head"]   | 'modules_to_save' is ["lm_head"], which is not supported
          "rank_pattern": {"q_proj": 3}    | 'rank_pattern' is {"q_proj":3}, which is not supported
          "init_lora_weights": "pissa"     | 'init_lora_weights' is "pissa", true, false and gaussian
          "target_modules": null           | 'target_modules' is null, names, a regular expression
          "target_modules": "("            | is not a regular expression
          "target_modules": [3]            | a list of strings is expected
          "r": 0                           | 'r' is 0, an integer of at least 1
          """)
  void whatIsNotBuiltIsRefusedByKeyAndValue(String keys, String message) {
    String rest = "\"base_model_name_or_path\": null";
    for (String each : List.of("\"peft_type\": \"LORA\"", "\"target_modules\": [\"q_proj\"]")) {
      rest += keys.startsWith(each.substring(0, 8)) ? "" : ", " + each;
    }
    LocalFolder folder =
        ToyFolders.write(directory, "adapter_config.json", "{" + rest + ", " + keys + "}");
    assertThatThrownBy(() -> AdapterFolder.open(folder))
        .isInstanceOfSatisfying(
            CollimateException.class,
            e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.DATA))
        .hasMessageContaining("adapter_config.json in " + directory)
        .hasMessageContaining(message);
  }

  private static void assertRefused(AdapterFolder adapter, DecoderLayout model, String message) {
    assertThatThrownBy(() -> adapter.layout(model))
        .isInstanceOfSatisfying(
            CollimateException.class,
            e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.DATA))
        .hasMessageContaining(message);
  }

  private LocalFolder write(AdapterConfig config, AdapterLayout layout, FlatVector values) {
    AdapterWriter.write(
        config, layout, values, SaveDtype.BASE, new LocalFolderSink(directory.resolve("adapter")));
    return LocalFolder.existing(directory.resolve("adapter"));
  }

  private static AdapterConfig config(TargetModules targets) {
    return new AdapterConfig(2, 4, 0, targets, false, "");
  }

  private static List<String> modules(TargetModules targets, DecoderLayout model) {
    return AdapterLayout.of(config(targets), model).targets().stream()
        .map(target -> target.linear().module())
        .toList();
  }

  private static DecoderLayout layout(String config) {
    return DecoderLayout.of(ModelConfig.parse(config.getBytes(UTF_8), "toy"));
  }
}

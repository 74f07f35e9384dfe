package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sequence classifiers: a causal model under a fresh head, what is written of it, adapters. */
class ClassifierFolderTest {

  private static final String CLASSIFIER =
      ToyFolders.LLAMA.replace("LlamaForCausalLM", "LlamaForSequenceClassification");

  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({
    "0, LlamaForSequenceClassification",
    "1, LlamaForSequenceClassification",
    "2, GPT2ForSequenceClassification"
  })
  void aCausalModelUnderAFreshHeadIsWrittenAsAClassifier(int base, String architecture) {
    LocalFolder causal =
        ToyFolders.model(
            directory.resolve("base"),
            List.of(ToyFolders.LLAMA, ToyFolders.LLAMA_TIED, ToyFolders.GPT2).get(base));
    float[] head;
    LocalFolder out;
    try (ModelFolder model = ModelFolder.openClassifier(causal, 1, 7)) {
      head = read(model, "score.weight");
      out = write(model, new ParameterLayout(List.of()), new FlatVector(0));
    }
    ObjectNode config = JsonFile.read(out, "config.json");
    assertThat(config.at("/architectures/0").asText()).isEqualTo(architecture);
    assertThat(config.path("id2label").toString()).isEqualTo("{\"0\":\"LABEL_0\"}");
    assertThat(config.path("label2id").toString()).isEqualTo("{\"LABEL_0\":0}");
    try (ModelFolder before = ModelFolder.open(causal);
        ModelFolder after = ModelFolder.open(out)) {
      assertThat(after.config().numLabels()).isEqualTo(1);
      assertThat(after.tensors().names()).contains("score.weight").doesNotContain("lm_head.weight");
      assertThat(after.tensors().readFloat32("score.weight")).isEqualTo(head);
      String embedding = before.layout().tokens().weight();
      assertThat(after.tensors().readFloat32(embedding))
          .isEqualTo(before.tensors().readFloat32(embedding));
    }
    // Opened again it is itself, whatever the seed.
    try (ModelFolder again = ModelFolder.openClassifier(out, 1, 8)) {
      assertThat(read(again, "score.weight")).isEqualTo(head);
    }
  }

  @Test
  void aFreshHeadIsNormalWithTheInitializerRangeAndDependsOnTheSeed() {
    LocalFolder base =
        ToyFolders.model(
            directory.resolve("base"),
            ToyFolders.LLAMA.replace(
                "\"pad_token_id\"", "\"initializer_range\": 0.5, \"pad_token_id\""));
    try (ModelFolder one = ModelFolder.openClassifier(base, 400, 7);
        ModelFolder other = ModelFolder.openClassifier(base, 400, 8)) {
      float[] head = read(one, "score.weight");
      double squares = 0;
      for (float value : head) {
        squares += (double) value * value;
      }
      assertThat(Math.sqrt(squares / head.length)).isCloseTo(0.5, within(0.02));
      assertThat(read(other, "score.weight")).isNotEqualTo(head);
    }
  }

  @Test
  void aFreshHeadHasTheEmbeddingsTypeAndThePadTokenIsNoted() {
    LocalFolder base =
        ToyFolders.model(
            directory.resolve("base"),
            ToyFolders.LLAMA_TIED.replace(
                "\"vocab_size\"", "\"torch_dtype\": \"bfloat16\", \"vocab_size\""));
    ToyFolders.write(directory.resolve("base"), "generation_config.json", "{\"pad_token_id\": 4}");
    try (ModelFolder model = ModelFolder.openClassifier(base, 1, 7)) {
      LocalFolder out = write(model, new ParameterLayout(List.of()), new FlatVector(0));
      assertThat(JsonFile.read(out, "config.json").path("pad_token_id").asInt()).isEqualTo(4);
      try (ModelFolder after = ModelFolder.open(out)) {
        assertThat(after.tensors().dtype("score.weight")).isEqualTo(Dtype.BF16);
        assertThat(after.config().tokens().pad()).hasValue(4);
      }
    }
  }

  @Test
  void anotherNumberOfScoresIsRefused() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), CLASSIFIER);
    assertThatThrownBy(() -> ModelFolder.openClassifier(base, 1, 7))
        .isInstanceOfSatisfying(
            CollimateException.class,
            e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.DATA))
        .hasMessageContaining("gives 2 scores of a sequence, 1 are needed");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"num_labels\": 3 | 3",
        "\"id2label\": {\"0\": \"bad\"} | 1",
        "\"id2label\": null | 2"
      })
  void labelsAreThoseOfTheConfigOrTransformersTwo(String key, int labels) {
    String json = CLASSIFIER.replace("\"vocab_size\"", key + ", \"vocab_size\"");
    assertThat(ModelConfig.parse(json.getBytes(UTF_8), "toy").numLabels()).isEqualTo(labels);
  }

  @Test
  void anAdapterWithAHeadIsReadAgainAndMergedIntoAClassifier() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    AdapterConfig config =
        new AdapterConfig(2, 4, 0, TargetModules.of(List.of("q_proj")), false, "")
            .withTask(AdapterConfig.Task.SEQ_CLS);
    Path path = directory.resolve("adapter");
    FlatVector values;
    try (ModelFolder model = ModelFolder.openClassifier(base, 1, 7)) {
      AdapterLayout layout = AdapterLayout.of(config, model.layout());
      values = AdapterInit.values(layout, model, 3);
      values.set(values.size() - 1, 0.75f);
      AdapterWriter.write(config, layout, values, SaveDtype.BASE, new LocalFolderSink(path));
    }
    LocalFolder folder = LocalFolder.existing(path);
    ObjectNode json = JsonFile.read(folder, "adapter_config.json");
    assertThat(json.path("task_type").asText()).isEqualTo("SEQ_CLS");
    assertThat(json.path("modules_to_save").toString()).isEqualTo("[\"score\"]");
    try (AdapterFolder adapter = AdapterFolder.open(folder);
        ModelFolder model = adapter.openBase(base)) {
      assertThat(adapter.config()).isEqualTo(config);
      assertThat(adapter.tensors().names()).contains("base_model.model.score.weight");
      assertThat(adapter.values(adapter.layout(model.layout())).block(0))
          .isEqualTo(values.block(0));
      Path merged = directory.resolve("merged");
      AdapterMerge.write(model, adapter, SaveDtype.BASE, new LocalFolderSink(merged));
      try (ModelFolder after = ModelFolder.open(LocalFolder.existing(merged))) {
        float[] head = after.tensors().readFloat32("score.weight");
        assertThat(head).hasSize(8);
        assertThat(head[7]).isEqualTo(0.75f);
        assertThat(head[0]).isEqualTo(values.get(values.size() - 8));
      }
    }
  }

  @Test
  void anAdapterOfTheOtherTaskIsRefused() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    AdapterConfig causal =
        new AdapterConfig(2, 4, 0, TargetModules.of(List.of("q_proj")), false, "");
    try (ModelFolder classifier = ModelFolder.openClassifier(base, 1, 7);
        ModelFolder model = ModelFolder.open(base)) {
      assertThatThrownBy(() -> AdapterLayout.of(causal, classifier.layout()))
          .hasMessageStartingWith("task_type is CAUSAL_LM and the model gives scores");
      assertThatThrownBy(
              () -> AdapterLayout.of(causal.withTask(AdapterConfig.Task.SEQ_CLS), model.layout()))
          .hasMessageStartingWith("task_type is SEQ_CLS and the model gives no scores");
    }
  }

  private LocalFolder write(ModelFolder model, ParameterLayout trained, FlatVector values) {
    Path out = directory.resolve("out");
    ModelWriter.write(model, trained, values, SaveDtype.BASE, new LocalFolderSink(out));
    return LocalFolder.existing(out);
  }

  private static float[] read(ModelFolder model, String name) {
    long size = model.shape(name).stream().reduce(1L, (a, b) -> a * b);
    FloatBuffer values = FloatBuffer.allocate(Math.toIntExact(size));
    model.readFloat32(name, 0, values);
    return values.array();
  }
}

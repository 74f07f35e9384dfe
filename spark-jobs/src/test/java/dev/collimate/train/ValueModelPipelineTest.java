package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.files.LocalFolder;
import dev.collimate.report.RunManifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PPO with values of a model of its own, trained beside the policy. */
@ExtendWith(LocalSpark.class)
class ValueModelPipelineTest {

  private static final List<String> VECTORS = List.of("masters", "exp_avg", "exp_avg_sq");

  @TempDir private Path folder;
  private ToyOnlineRun toy;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    toy = ToyOnlineRun.in(folder, session);
    ToyModel.writeClassifier(folder.resolve("critic"), 5);
  }

  private RunManifest run(String output, String critic, String... more) throws Exception {
    List<String> overrides =
        new ArrayList<>(List.of("objective={name: ppo}", "value_model=" + folder.resolve(critic)));
    overrides.addAll(List.of(more));
    return toy.run(output, overrides.toArray(String[]::new));
  }

  /** A random critic is far off at first. */
  @Test
  void theValueModelLearnsBesideThePolicy() throws Exception {
    run(
        "ppo",
        "critic",
        "train.max_steps=16",
        "train.learning_rate=0.01",
        "rollout.num_iterations=2",
        "rollout.temperature=0.9",
        "objective.vf_coef=0.5");

    List<JsonNode> lines = toy.metrics("ppo");
    assertThat(mean(lines.subList(12, 16), "loss/value_avg"))
        .isLessThan(0.5 * mean(lines.subList(0, 4), "loss/value_avg"));
    assertThat(lines.get(0).get("objective/kl").asDouble()).isCloseTo(0, within(1e-3));
    assertThat(lines.get(14).get("objective/kl").asDouble()).isNotCloseTo(0, within(1e-2));
    try (ModelFolder published = open("ppo/model")) {
      assertThat(published.config().isClassifier()).isFalse();
      assertThat(published.tensors().names()).noneMatch(name -> name.contains("value"));
    }
  }

  /** The adapter is small, the value model is trained whole: from its own weights, to others. */
  @ParameterizedTest
  @ValueSource(strings = {"critic", "model"})
  void besideAnAdapterAllWeightsOfTheValueModelAreTrained(String critic) throws Exception {
    String output = critic + "-run";
    run(output, critic, "adapter={r: 2}", "train.max_steps=4", "train.save_steps=2");

    JsonNode progress =
        new ObjectMapper()
            .readTree(checkpoint(output, 4).resolve("checkpoint.json").toFile())
            .get("progress");
    List<JsonNode> layout = new ArrayList<>();
    progress.at("/layout/parameters").forEach(layout::add);
    assertThat(layout.get(layout.size() - 1).get("name").asText())
        .isEqualTo("value_model.score.weight");
    FloatBuffer masters = floats(checkpoint(output, 4).resolve("masters.f32"));
    try (ModelFolder values =
        ModelFolder.openValueModel(LocalFolder.existing(folder.resolve(critic)))) {
      long size = values.layout().parameters().size();
      FloatBuffer head = FloatBuffer.allocate(16);
      values.readFloat32("score.weight", 0, head);
      FloatBuffer embedding = FloatBuffer.allocate(16 * 320);
      values.readFloat32("model.embed_tokens.weight", 0, embedding);
      int first = (int) (masters.capacity() - size);
      assertThat(masters.slice(masters.capacity() - 16, 16)).isNotEqualTo(head.flip());
      assertThat(masters.slice(first, 16 * 320)).isNotEqualTo(embedding.flip());
    }
  }

  @Test
  void aRunThatIsStoppedGoesOnToTheSameBits() throws Exception {
    String[] settings = {"train.max_steps=4", "train.save_steps=2", "train.learning_rate=0.01"};
    run("whole", "critic", settings);
    toy.copyStopped("whole", "resumed", "step-4");
    run("resumed", "critic", settings);

    for (String vector : VECTORS) {
      assertThat(checkpoint("resumed", 4).resolve(vector + ".f32"))
          .hasSameBinaryContentAs(checkpoint("whole", 4).resolve(vector + ".f32"));
    }
    assertThat(toy.metrics("resumed").get(3).get("loss"))
        .isEqualTo(toy.metrics("whole").get(3).get("loss"));
  }

  @Test
  void otherFilesOfTheValueModelAreAnotherRun() throws Exception {
    run("moved", "critic", "train.max_steps=1");
    ToyModel.writeClassifier(folder.resolve("other"), 6);
    Path weights = Path.of("model.safetensors");
    Files.copy(
        folder.resolve("other").resolve(weights),
        folder.resolve("critic").resolve(weights),
        StandardCopyOption.REPLACE_EXISTING);

    assertThatThrownBy(() -> run("moved", "critic", "train.max_steps=1"))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith(
            "value_model: the files there are not those that the run in 'file:"
                + toy.output("moved"));
  }

  private void assertRefused(String critic, String sentence) {
    assertThatThrownBy(() -> run("refused-" + critic, critic))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(sentence);
    assertThat(toy.output("refused-" + critic)).as("work").doesNotExist();
  }

  @Test
  void aFolderThatGivesNoValuesOfThePolicysTokensIsRefused() throws IOException {
    assertRefused("nowhere", "value_model: there is no folder 'file:" + folder.resolve("nowhere"));
    ToyModel.write(folder.resolve("wide"), 5, 330);
    assertRefused(
        "wide",
        "wide' has 330 tokens, the model's has 320; give a value model of the same vocabulary");
    Path config = folder.resolve("critic/config.json");
    String one = Files.readString(config);
    Files.writeString(config, one.replaceAll("\"num_labels\"\\s*:\\s*1", "\"num_labels\": 3"));
    assertRefused("critic", "critic' gives 3 scores of a sequence, a value is one;");
    Files.writeString(config, one);
    Path tokenizer = folder.resolve("critic/tokenizer.json");
    String json = Files.readString(tokenizer);
    Files.writeString(tokenizer, json.replace("\"id\" : 2,", "\"id\" : 300,"));
    assertRefused("critic", "critic' has other tokens, or other ids, than the model's;");
  }

  private ModelFolder open(String name) {
    return ModelFolder.open(LocalFolder.existing(folder.resolve(name)));
  }

  private Path checkpoint(String output, int step) {
    return toy.output(output).resolve("checkpoints/step-" + step);
  }

  private static FloatBuffer floats(Path file) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  private static double mean(List<JsonNode> lines, String metric) {
    return lines.stream().mapToDouble(line -> line.get(metric).asDouble()).average().orElseThrow();
  }
}

package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.executor.ModelSlot;
import dev.collimate.executor.ModelSpec;
import dev.collimate.executor.RowScores;
import dev.collimate.files.LocalFolder;
import dev.collimate.nn.Precision;
import dev.collimate.text.Sequence;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A reward model scores what the policy writes, on the executors. */
@ExtendWith(LocalSpark.class)
class RewardModelPipelineTest {

  @TempDir private Path folder;
  private SparkSession spark;
  private ToyOnlineRun toy;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    spark = session;
    toy = ToyOnlineRun.in(folder, session);
    ToyModel.writeClassifier(folder.resolve("liker"), 5);
  }

  private String reward(String model) {
    return "rewards=[{name: reward_model, model: \"%s\", label: liked}]"
        .formatted(folder.resolve(model));
  }

  @Test
  void completionsGetTheScoresThatTheFolderGivesTheirTexts() throws Exception {
    toy.run("run", reward("liker"), "train.max_steps=2");

    List<String> rollout =
        spark
            .read()
            .parquet(toy.output("run").resolve("rollouts/step-00000001.parquet").toString())
            .toJSON()
            .collectAsList();
    assertThat(rollout).hasSize(16);
    try (Tokenizer tokenizer = Tokenizer.load(LocalFolder.existing(folder.resolve("liker")))) {
      for (String line : rollout) {
        JsonNode row = new ObjectMapper().readTree(line);
        int[] text = tokenizer.encode(row.get("prompt").asText() + row.get("completion").asText());
        assertThat((float) row.get("rewards/liked").asDouble()).isEqualTo(score(text));
      }
    }
    assertThat(toy.metrics("run").get(0).get("rewards/liked/scored").asInt()).isEqualTo(16);
  }

  private float score(int[] text) {
    Configuration configuration = new Configuration();
    ModelSpec liker =
        ModelSpec.of(
            "model",
            folder.resolve("liker").toString(),
            "adapter",
            Optional.empty(),
            Precision.FLOAT32,
            1,
            configuration);
    Sequence sequence = new Sequence(text, text.length, new byte[text.length]);
    return ModelSlot.with(
        liker,
        configuration,
        model ->
            RowScores.of(model, Experience.example("text", 1, sequence))
                .byRole()
                .values()
                .iterator()
                .next()[0]);
  }

  private void assertRefused(String model, String sentence) {
    assertThatThrownBy(() -> toy.run("refused-" + model, reward(model)))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(sentence);
    assertThat(toy.output("refused-" + model).resolve("data")).as("work").doesNotExist();
  }

  @Test
  void aFolderThatIsNoRewardModelIsRefusedBeforeAnyWork() throws IOException {
    assertRefused(
        "nowhere", "rewards[].model: there is no folder 'file:" + folder.resolve("nowhere"));
    assertRefused("model", "is a causal language model, which gives no rewards");
  }

  @Test
  void soIsOneWithoutTokenizerOrWithAnotherModels() throws IOException {
    Path tokenizer = folder.resolve("liker/tokenizer.json");
    String json = Files.readString(tokenizer);
    Files.writeString(tokenizer, json.replace("\"id\" : 2,", "\"id\" : 50000,"));
    assertRefused(
        "liker",
        "has token ids up to 50000, but config.json has vocab_size 320; 50001 or more is needed");
    Files.delete(tokenizer);
    assertRefused("liker", "has no tokenizer.json");
  }

  @Test
  void soIsOneWhoseWeightsAreCutOff() throws IOException {
    Path weights = folder.resolve("liker/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, Arrays.copyOf(bytes, bytes.length / 2));
    assertRefused("liker", "model.safetensors");
  }

  @Test
  void aRunGoesOnWithTheRewardModelThatItBeganWith() throws Exception {
    String[] overrides = {reward("liker"), "train.max_steps=1"};
    toy.run("run", overrides);
    toy.run("run", overrides);

    ToyModel.writeClassifier(folder.resolve("another"), 6);
    Files.copy(
        folder.resolve("another/model.safetensors"),
        folder.resolve("liker/model.safetensors"),
        StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> toy.run("run", overrides))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("rewards[].model: the files there are not those that the run in")
        .hasMessageContaining("put them back, or choose another output");
  }
}

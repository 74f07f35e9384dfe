package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.RunConfig;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.Prepare;
import dev.collimate.data.PreparedData;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.RowFacts;
import dev.collimate.data.ToyModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class LearnedPositionsTest {

  private static final String LLAMA =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 320,
       "hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
       "max_position_embeddings": 4}""";

  private static final String GPT2 =
      """
      {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 8, "n_head": 2,
       "n_layer": 1, "n_positions": %d, "vocab_size": 320}""";

  @TempDir private Path folder;

  @Test
  void aRowThatIsTooLongIsNamedBeforeWorkBegins(SparkSession spark) throws IOException {
    ToyModel.write(folder.resolve("model"), 1);
    Files.write(
        folder.resolve("rows.jsonl"),
        List.of(
            "{\"id\": \"short\", \"prompt_input_ids\": [5], \"completion_input_ids\": [6]}",
            "{\"id\": \"long\", \"prompt_input_ids\": [5, 6, 7], \"completion_input_ids\": [8, 9]}"));
    RunConfig run =
        RunConfig.read(
            "{model: %s, output: %s, data: {train: [{path: %s}]}, objective: {name: sft}}"
                .formatted(
                    folder.resolve("model"), folder.resolve("run"), folder.resolve("rows.jsonl")),
            "run.yaml",
            List.of());
    PreparedData data = Prepare.run(spark, run, () -> {});

    assertThatThrownBy(() -> require(GPT2.formatted(4), data))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "data.max_length: row 'long' has 5 tokens, the model reads at most 4; set it to 4 or less, which needs another output");
    assertThatCode(() -> require(GPT2.formatted(5), data)).doesNotThrowAnyException();
    assertThatCode(() -> require(LLAMA, data)).doesNotThrowAnyException();
  }

  private static void require(String config, PreparedData data) throws IOException {
    ModelConfig model =
        ModelConfig.parse(config.getBytes(StandardCharsets.UTF_8), "the test's config");
    Configuration configuration = new Configuration();
    new LearnedPositions("model", model)
        .requireRoom(
            data,
            Map.of(Split.TRAIN, RowFacts.load(data, Split.TRAIN, configuration)),
            configuration);
  }
}

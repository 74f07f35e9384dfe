package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.ModelInit;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.Engine;
import dev.collimate.text.ByteLevelTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GreedySamplerTest {

  /** Reads eight tokens; no token ends a completion. */
  private static final String GPT2 =
      """
      {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 8, "n_head": 2,
       "n_layer": 1, "n_positions": 8, "vocab_size": 300, "initializer_range": 0.5}""";

  @TempDir private Path folder;
  private Decoder decoder;
  private GreedySampler sampler;

  @BeforeEach
  void load() throws IOException {
    Engine.start(1, ComputeDevice.cpu());
    ByteLevelTokenizer.write(new LocalFolderSink(folder.resolve("tokenizer")));
    ModelInit.write(
        GPT2.getBytes(StandardCharsets.UTF_8),
        "the test's config",
        LocalFolder.existing(folder.resolve("tokenizer")),
        new LocalFolderSink(folder.resolve("model")),
        1);
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(folder.resolve("model")))) {
      decoder = Decoder.load(model, DecoderOptions.frozen());
    }
    sampler = new GreedySampler(decoder);
  }

  @AfterEach
  void close() {
    decoder.close();
  }

  @Test
  void anEmptyPromptHasAnEmptyCompletion() {
    assertThat(sampler.complete(new int[0], 5)).isEmpty();
  }

  @Test
  void aCompletionEndsWhereTheLearnedPositionsDo() {
    assertThat(sampler.complete(new int[] {5, 6, 7}, 4)).hasSize(4);
    assertThat(sampler.complete(new int[] {5, 6, 7}, 64)).hasSize(6);
    assertThat(sampler.complete(new int[] {5, 6, 7, 8, 9, 10, 11, 12}, 64)).hasSize(1);
  }
}

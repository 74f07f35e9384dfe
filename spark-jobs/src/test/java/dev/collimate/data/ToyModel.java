package dev.collimate.data;

import dev.collimate.checkpoint.ModelInit;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.text.ByteLevelTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A randomly initialised Llama of two small layers, with a byte-level tokenizer. */
public final class ToyModel {

  private static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d,
       "hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
       "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.5,
       "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}""";

  private ToyModel() {}

  public static void write(Path folder, long seed) throws IOException {
    write(folder, seed, 320);
  }

  public static void write(Path folder, long seed, int vocabSize) throws IOException {
    write(folder, seed, CONFIG.formatted(vocabSize));
  }

  /** The same as a model that gives one score. */
  public static void writeClassifier(Path folder, long seed) throws IOException {
    String config =
        CONFIG
            .formatted(320)
            .replace("LlamaForCausalLM\"]", "LlamaForSequenceClassification\"], \"num_labels\": 1");
    write(folder, seed, config);
  }

  private static void write(Path folder, long seed, String config) throws IOException {
    Path tokenizer = folder.resolveSibling(folder.getFileName() + "-tokenizer");
    ByteLevelTokenizer.write(new LocalFolderSink(tokenizer));
    ModelInit.write(
        config.getBytes(StandardCharsets.UTF_8),
        "the toy's config",
        LocalFolder.existing(tokenizer),
        new LocalFolderSink(folder),
        seed);
  }
}

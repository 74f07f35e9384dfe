package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Small folders for tests: a model per family, and safetensors files with any header. */
final class ToyFolders {

  static final String LLAMA =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 12,
       "hidden_size": 8, "intermediate_size": 20, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 3}""";

  static final String LLAMA_TIED =
      LLAMA.replace("\"pad_token_id\": 3", "\"tie_word_embeddings\": true");

  static final String GPT2 =
      """
      {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 12,
       "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16, "custom_note": "kept"}""";

  private static final String TOKENIZER =
      """
      {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}}, "added_tokens": [{"id": 11}]}""";

  private ToyFolders() {}

  /** A randomly initialised model. */
  static LocalFolder model(Path directory, String config) {
    ModelInit.write(
        config.getBytes(UTF_8),
        "toy config",
        tokenizer(directory.resolveSibling(directory.getFileName() + "-tokenizer")),
        new LocalFolderSink(directory),
        7);
    return LocalFolder.existing(directory);
  }

  /** A tokenizer whose largest id is 11. */
  static Folder tokenizer(Path directory) {
    write(directory, "tokenizer.json", TOKENIZER.getBytes(UTF_8));
    return LocalFolder.existing(directory);
  }

  static LocalFolder write(Path directory, String name, byte[] bytes) {
    try {
      Files.createDirectories(directory);
      Files.write(directory.resolve(name), bytes);
      return LocalFolder.existing(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static LocalFolder write(Path directory, String name, String text) {
    return write(directory, name, text.getBytes(UTF_8));
  }

  /** A safetensors file: length, header, then so many bytes 0, 1, 2, … */
  static byte[] safetensors(String header, int dataBytes) {
    byte[] json = header.getBytes(UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(Long.BYTES + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(json.length).put(json);
    for (int i = 0; i < dataBytes; i++) {
      file.put((byte) i);
    }
    return file.array();
  }

  static byte[] concat(byte[] first, byte[] second) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    joined.writeBytes(first);
    joined.writeBytes(second);
    return joined.toByteArray();
  }
}

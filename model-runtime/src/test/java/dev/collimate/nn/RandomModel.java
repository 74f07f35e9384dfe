package dev.collimate.nn;

import dev.collimate.checkpoint.DecoderLayout;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.files.Folder;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A model folder in memory with seeded random weights; norms' weights are near 1. */
public final class RandomModel {

  private RandomModel() {}

  /**
   * Makes the folder.
   *
   * @param configJson text of config.json
   * @param spread weights are uniform in [-spread, spread]
   */
  public static ModelFolder of(String configJson, double spread, long seed) {
    byte[] config = configJson.getBytes(StandardCharsets.UTF_8);
    DecoderLayout layout = DecoderLayout.of(ModelConfig.parse(config, "config.json"));
    byte[] weights = safetensors(layout.parameters().parameters(), spread, seed);
    return ModelFolder.open(
        new InMemory(Map.of("config.json", config, "model.safetensors", weights)));
  }

  /** config.json of a Llama with one key/value head for every two heads, untied. */
  public static String llama(int layers, int hidden, int intermediate, int heads, int vocab) {
    return """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
         "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
         "num_attention_heads": %d, "num_key_value_heads": %d, "vocab_size": %d,
         "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
         "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2}
        """
        .formatted(hidden, intermediate, layers, heads, Math.max(1, heads / 2), vocab);
  }

  private static byte[] safetensors(List<Parameter> parameters, double spread, long seed) {
    StringBuilder header = new StringBuilder("{");
    long offset = 0;
    for (Parameter parameter : parameters) {
      String shape =
          parameter.shape().stream().map(String::valueOf).collect(Collectors.joining(","));
      header.append(offset == 0 ? "" : ",");
      header.append(
          "\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
              .formatted(parameter.name(), shape, offset, offset + 4 * parameter.size()));
      offset += 4 * parameter.size();
    }
    byte[] text = header.append("}").toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(Math.toIntExact(8 + text.length + offset))
            .order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(text.length).put(text);
    for (Parameter parameter : parameters) {
      CounterRandom random = CounterRandom.of(seed, parameter.name());
      boolean isNormWeight = !parameter.isMatrix() && parameter.name().endsWith("weight");
      for (long i = 0; i < parameter.size(); i++) {
        double value = spread * (2 * random.uniform(i) - 1);
        file.putFloat((float) (isNormWeight ? 1 + value : value));
      }
    }
    return file.array();
  }

  /** Files in memory. */
  private record InMemory(Map<String, byte[]> files) implements Folder {
    @Override
    public String location() {
      return "memory";
    }

    @Override
    public List<String> names() {
      return files.keySet().stream().sorted().toList();
    }

    @Override
    public File open(String name) throws IOException {
      byte[] content = files.get(name);
      if (content == null) {
        throw new NoSuchFileException(name);
      }
      return new File() {
        @Override
        public long length() {
          return content.length;
        }

        @Override
        public void read(long position, ByteBuffer into) throws IOException {
          if (position + into.remaining() > content.length) {
            throw new EOFException(name);
          }
          into.put(content, (int) position, into.remaining());
        }

        @Override
        public void close() {}
      };
    }
  }
}

package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.checkpoint.DecoderLayout.Linear;
import dev.collimate.files.Folder;
import dev.collimate.files.FolderSink;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A randomly initialised model folder, as transformers initialises its families: matrices normal
 * with standard deviation {@code initializer_range}, biases 0, norms 1; in GPT-2 the two
 * projections that end on the residual stream get {@code initializer_range / sqrt(2 * layers)}; in
 * the others the embedding of the pad token is 0. Each entry depends on the seed, the tensor's name
 * and its index alone.
 */
public final class ModelInit {

  private final ModelConfig config;
  private final DecoderLayout layout;
  private final long seed;
  private final Set<String> norms;
  private final Set<String> residualOutputs;

  private ModelInit(ModelConfig config, long seed) {
    this.config = config;
    this.seed = seed;
    layout = DecoderLayout.of(config);
    norms = new HashSet<>(Set.of(layout.finalNorm().weight()));
    for (DecoderLayout.Layer layer : layout.layers()) {
      Stream.of(
              Stream.of(layer.attentionNorm(), layer.mlpNorm()),
              layer.queryNorm().stream(),
              layer.keyNorm().stream())
          .flatMap(part -> part)
          .forEach(norm -> norms.add(norm.weight()));
    }
    residualOutputs =
        layout.layers().stream()
            .flatMap(layer -> Stream.of(layer.attentionOutput(), layer.down()))
            .map(Linear::weight)
            .collect(Collectors.toSet());
  }

  /**
   * Writes the folder.
   *
   * @param configJson the text of a config.json; its dtype (float32 where it gives none) is that of
   *     the weights
   * @param source where it comes from, for messages
   * @param tokenizer the folder whose tokenizer goes with the model
   * @throws CollimateException of kind DATA where the configuration is refused or has no row for a
   *     token of the tokenizer
   */
  public static void write(
      byte[] configJson, String source, Folder tokenizer, FolderSink sink, long seed) {
    ModelConfig config = ModelConfig.parse(configJson, source);
    ObjectNode json = JsonFile.parse(configJson, source);
    Dtype dtype = dtype(new ConfigKeys(json, source));
    TokenizerVocab.requireFits(tokenizer, config.vocabSize());
    FolderWriter.noteDtype(json, dtype);
    ModelInit init = new ModelInit(config, seed);
    List<OutTensor> tensors =
        init.layout.parameters().parameters().stream()
            .map(parameter -> new OutTensor(parameter, dtype, init.values(parameter)))
            .toList();
    try {
      FolderWriter writer = new FolderWriter(sink, FolderWriter.MAX_SHARD_BYTES);
      writer.writeWeights(tensors);
      writer.copyTokenizer(tokenizer);
      writer.writeConfig(json);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + sink.location(), e);
    }
  }

  private static Dtype dtype(ConfigKeys keys) {
    String key = keys.has("dtype") ? "dtype" : "torch_dtype";
    return switch (keys.text(key, "float32")) {
      case "float32" -> Dtype.F32;
      case "bfloat16" -> Dtype.BF16;
      case "float16" -> Dtype.F16;
      default -> throw keys.bad(key, "float32, bfloat16 and float16 are accepted");
    };
  }

  private OutTensor.Values values(Parameter parameter) {
    if (!parameter.isMatrix()) {
      return constant(norms.contains(parameter.name()) ? 1 : 0);
    }
    OutTensor.Values normal = normal(parameter, deviation(parameter.name()), seed);
    boolean hasPad =
        parameter.name().equals(layout.tokens().weight())
            && config.family() != Family.GPT2
            && config.tokens().pad().isPresent();
    if (!hasPad) {
      return normal;
    }
    long from = (long) config.tokens().pad().getAsInt() * config.hiddenSize();
    long to = from + config.hiddenSize();
    return (first, into) -> {
      int start = into.position();
      normal.read(first, into);
      for (long i = Math.max(first, from); i < Math.min(to, first + into.position() - start); i++) {
        into.put((int) (start + i - first), 0);
      }
    };
  }

  static OutTensor.Values zeros() {
    return constant(0);
  }

  private static OutTensor.Values constant(float value) {
    return (first, into) -> {
      while (into.hasRemaining()) {
        into.put(value);
      }
    };
  }

  /** Normal with mean 0; each entry depends on the seed, the tensor's name and its index. */
  static OutTensor.Values normal(Parameter parameter, double deviation, long seed) {
    CounterRandom random = CounterRandom.of(seed, parameter.name());
    return (first, into) -> {
      for (long i = first; into.hasRemaining(); i++) {
        into.put((float) (deviation * random.normal(i)));
      }
    };
  }

  private double deviation(String name) {
    return config.family() == Family.GPT2 && residualOutputs.contains(name)
        ? config.initializerRange() / Math.sqrt(2.0 * config.layers())
        : config.initializerRange();
  }
}

package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.FolderSink;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a model folder that transformers loads: the base's names, side files and config.json, with
 * trained tensors in place of the base's. A tied head is stored once, as the embedding. A causal
 * base with a fresh score head becomes a sequence classifier.
 */
public final class ModelWriter {

  private ModelWriter() {}

  /**
   * Writes the folder, piece by piece; config.json is its last file.
   *
   * @param base the model that training started from
   * @param trained names and shapes of the trained tensors, as in the base; others are copied
   * @param values the trained tensors, in that order
   * @throws CollimateException of kind DATA where a value is too large for the dtype
   */
  public static void write(
      ModelFolder base,
      ParameterLayout trained,
      FlatVector values,
      SaveDtype dtype,
      FolderSink sink) {
    write(base, trained, values, dtype, sink, FolderWriter.MAX_SHARD_BYTES);
  }

  static void write(
      ModelFolder base,
      ParameterLayout trained,
      FlatVector values,
      SaveDtype dtype,
      FolderSink sink,
      long maxShardBytes) {
    Map<Parameter, Long> offsets = new HashMap<>();
    for (int i = 0; i < trained.parameters().size(); i++) {
      offsets.put(trained.parameters().get(i), trained.offsets().get(i));
    }
    List<OutTensor> tensors = new ArrayList<>();
    for (Parameter parameter : base.layout().parameters().parameters()) {
      Long offset = offsets.remove(parameter);
      tensors.add(
          offset == null
              ? unchanged(base, parameter, dtype)
              : new OutTensor(
                  parameter,
                  dtype.of(base.dtype(parameter.name())),
                  (first, into) -> values.get(offset + first, into)));
    }
    if (!offsets.isEmpty()) {
      throw new IllegalArgumentException("not in the base model: " + offsets.keySet());
    }
    write(base, tensors, config(base, dtype), sink, maxShardBytes);
  }

  /** A tensor as the base has it. */
  static OutTensor unchanged(ModelFolder base, Parameter parameter, SaveDtype dtype) {
    return new OutTensor(
        parameter,
        dtype.of(base.dtype(parameter.name())),
        (first, into) -> base.readFloat32(parameter.name(), first, into));
  }

  /** The base's config.json with the dtype and a fresh head noted, all other keys kept. */
  static ObjectNode config(ModelFolder base, SaveDtype dtype) {
    ObjectNode config = JsonFile.read(base.folder(), ModelFolder.CONFIG);
    if (dtype != SaveDtype.BASE) {
      FolderWriter.noteDtype(config, dtype.of(Dtype.F32));
    }
    if (base.hasFreshHead()) {
      noteClassifier(config, base.config());
    }
    return config;
  }

  /** What transformers writes for a classifier whose labels nobody named. */
  private static void noteClassifier(ObjectNode json, ModelConfig config) {
    json.putArray("architectures").add(config.family().classifier());
    ObjectNode names = json.putObject("id2label");
    ObjectNode numbers = json.putObject("label2id");
    for (int label = 0; label < config.numLabels(); label++) {
      names.put(String.valueOf(label), "LABEL_" + label);
      numbers.put("LABEL_" + label, label);
    }
    json.remove("num_labels");
    // Where the score is read depends on it.
    config.tokens().pad().ifPresent(pad -> json.put("pad_token_id", pad));
  }

  static void write(
      ModelFolder base,
      List<OutTensor> tensors,
      ObjectNode config,
      FolderSink sink,
      long maxShardBytes) {
    try {
      FolderWriter writer = new FolderWriter(sink, maxShardBytes);
      writer.writeWeights(tensors);
      writer.copySideFiles(base.folder());
      writer.writeConfig(config);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + sink.location(), e);
    }
  }
}

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
 * trained tensors in place of the base's. A tied head is stored once, as the embedding.
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
                  dtype.of(base.tensors().dtype(parameter.name())),
                  (first, into) -> values.get(offset + first, into)));
    }
    if (!offsets.isEmpty()) {
      throw new IllegalArgumentException("not in the base model: " + offsets.keySet());
    }
    write(base, tensors, config(base, dtype), sink, maxShardBytes);
  }

  /** A tensor as the base has it. */
  static OutTensor unchanged(ModelFolder base, Parameter parameter, SaveDtype dtype) {
    TensorFiles tensors = base.tensors();
    return new OutTensor(
        parameter,
        dtype.of(tensors.dtype(parameter.name())),
        (first, into) -> tensors.readFloat32(parameter.name(), first, into));
  }

  /** The base's config.json with the dtype noted, all other keys kept. */
  static ObjectNode config(ModelFolder base, SaveDtype dtype) {
    ObjectNode config = JsonFile.read(base.folder(), ModelFolder.CONFIG);
    if (dtype != SaveDtype.BASE) {
      FolderWriter.noteDtype(config, dtype.of(Dtype.F32));
    }
    return config;
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

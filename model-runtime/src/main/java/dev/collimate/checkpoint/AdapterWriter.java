package dev.collimate.checkpoint;

import dev.collimate.files.FolderSink;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** Writes an adapter folder that PEFT loads: adapter_config.json last. */
public final class AdapterWriter {

  private AdapterWriter() {}

  /**
   * Writes the folder.
   *
   * @param layout the adapted modules
   * @param values their factors, in the order of the layout's parameters
   * @param dtype BASE means float32, in which adapters are trained
   */
  public static void write(
      AdapterConfig config,
      AdapterLayout layout,
      FlatVector values,
      SaveDtype dtype,
      FolderSink sink) {
    ParameterLayout parameters = layout.parameters();
    List<Long> offsets = parameters.offsets();
    List<OutTensor> tensors = new ArrayList<>();
    for (int i = 0; i < parameters.parameters().size(); i++) {
      long offset = offsets.get(i);
      tensors.add(
          new OutTensor(
              parameters.parameters().get(i),
              dtype.of(Dtype.F32),
              (first, into) -> values.get(offset + first, into)));
    }
    try {
      new FolderWriter(sink, FolderWriter.MAX_SHARD_BYTES)
          .writeFile("adapter_model.safetensors", tensors);
      sink.write(
          AdapterConfigParser.FILE, JsonFile.write(AdapterConfigParser.write(config, layout)));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + sink.location(), e);
    }
  }
}

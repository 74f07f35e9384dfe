package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Compares a checkpoint with the tensors that its config.json asks for. */
final class LayoutCheck {

  /** Buffers that older versions of transformers saved; they follow from config.json. */
  private static final Pattern BUFFERS =
      Pattern.compile(
          ".*\\brotary_emb\\.inv_freq|(transformer\\.)?h\\.\\d+\\.attn\\.(masked_)?bias");

  private static final String HEAD = "lm_head.weight";

  private final DecoderLayout layout;
  private final TensorFiles tensors;
  private final String location;

  LayoutCheck(DecoderLayout layout, TensorFiles tensors, String location) {
    this.layout = layout;
    this.tensors = tensors;
    this.location = location;
  }

  void run() {
    Set<String> expected = new HashSet<>();
    for (Parameter parameter : layout.parameters().parameters()) {
      expected.add(parameter.name());
      requireTensor(tensors, location, parameter, "config.json makes it");
    }
    for (String name : tensors.names()) {
      if (layout.tied() && name.equals(HEAD)) {
        requireSameAsEmbedding();
      } else if (!expected.contains(name) && !BUFFERS.matcher(name).matches()) {
        throw CollimateException.data(
            "Tensor '%s' in %s belongs to nothing that config.json describes"
                .formatted(name, location));
      }
    }
  }

  /**
   * @param because what fixes the shape, for the message
   */
  static void requireTensor(
      TensorFiles tensors, String location, Parameter parameter, String because) {
    String name = parameter.name();
    if (!tensors.contains(name)) {
      throw CollimateException.data(
          "Tensor '%s' is missing in %s, shape %s is expected%s"
              .formatted(
                  name,
                  location,
                  parameter.shape(),
                  name.equals(HEAD) ? " because tie_word_embeddings is false" : ""));
    }
    List<Long> shape = tensors.shape(name);
    if (!shape.equals(parameter.shape())) {
      throw CollimateException.data(
          "Tensor '%s' in %s has shape %s, %s %s"
              .formatted(name, location, shape, because, parameter.shape()));
    }
    if (!tensors.dtype(name).isWeight()) {
      throw CollimateException.data(
          "Tensor '%s' in %s is %s, weights must be F32, F16 or BF16"
              .formatted(name, location, tensors.dtype(name)));
    }
  }

  /** transformers would drop the stored head; where it differs, that would change the model. */
  private void requireSameAsEmbedding() {
    String embedding = layout.tokens().weight();
    boolean same =
        tensors.dtype(HEAD) == tensors.dtype(embedding)
            && tensors.shape(HEAD).equals(tensors.shape(embedding));
    long bytes = tensors.elements(embedding) * tensors.dtype(embedding).bytes();
    for (long position = 0; same && position < bytes; position += TensorFiles.CHUNK_BYTES) {
      int count = (int) Math.min(TensorFiles.CHUNK_BYTES, bytes - position);
      ByteBuffer head = ByteBuffer.allocate(count);
      ByteBuffer table = ByteBuffer.allocate(count);
      tensors.readBytes(HEAD, position, head);
      tensors.readBytes(embedding, position, table);
      same = head.flip().equals(table.flip());
    }
    if (!same) {
      throw CollimateException.data(
          "Tensor '%s' in %s differs from '%s' although tie_word_embeddings is true; set it to false in config.json, or leave the tensor out"
              .formatted(HEAD, location, embedding));
    }
  }
}

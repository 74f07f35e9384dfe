package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Writes one safetensors file as a stream, byte for byte as the Hugging Face library writes it:
 * wider types first, then by name, the header padded with spaces to eight bytes.
 */
final class SafetensorsWriter {

  private static final int CHUNK_ELEMENTS = 1 << 16;
  private static final Comparator<OutTensor> FILE_ORDER =
      Comparator.comparing(OutTensor::dtype, Comparator.comparingInt(SafetensorsWriter::rank))
          .thenComparing(OutTensor::name);

  private SafetensorsWriter() {}

  private static int rank(Dtype dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case BF16 -> 1;
      case F16 -> 2;
      default -> throw new IllegalArgumentException(dtype + " is not a type of weights");
    };
  }

  /**
   * Writes the tensors.
   *
   * @param out not closed
   * @throws CollimateException of kind DATA where a value is too large for the type asked for
   */
  static void write(OutputStream out, List<OutTensor> tensors) throws IOException {
    List<OutTensor> sorted = tensors.stream().sorted(FILE_ORDER).toList();
    byte[] json = JsonFile.compact(header(sorted));
    byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    out.write(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(padded.length)
            .array());
    out.write(padded);
    for (OutTensor tensor : sorted) {
      write(out, tensor);
    }
  }

  private static ObjectNode header(List<OutTensor> tensors) {
    ObjectNode header = JsonFile.newObject();
    header.putObject("__metadata__").put("format", "pt");
    long position = 0;
    for (OutTensor tensor : tensors) {
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", tensor.dtype().name());
      ArrayNode shape = entry.putArray("shape");
      tensor.parameter().shape().forEach(shape::add);
      long end = Math.addExact(position, tensor.bytes());
      entry.putArray("data_offsets").add(position).add(end);
      position = end;
    }
    return header;
  }

  private static void write(OutputStream out, OutTensor tensor) throws IOException {
    long size = tensor.parameter().size();
    int chunkElements = (int) Math.min(CHUNK_ELEMENTS, size);
    FloatBuffer values = FloatBuffer.allocate(chunkElements);
    ByteBuffer bytes =
        ByteBuffer.allocate(chunkElements * tensor.dtype().bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (long element = 0; element < size; element += chunkElements) {
      values.clear().limit((int) Math.min(chunkElements, size - element));
      tensor.values().read(element, values);
      requireHeld(tensor, values.flip());
      tensor.dtype().narrow(values, bytes.clear());
      out.write(bytes.array(), 0, bytes.position());
    }
  }

  private static void requireHeld(OutTensor tensor, FloatBuffer values) {
    for (int i = 0; i < values.limit(); i++) {
      if (!tensor.dtype().holds(values.get(i))) {
        throw CollimateException.data(
            "Tensor '%s' holds %s, which is too large for %s; save it as float32"
                .formatted(tensor.name(), values.get(i), tensor.dtype().torchName()));
      }
    }
  }
}

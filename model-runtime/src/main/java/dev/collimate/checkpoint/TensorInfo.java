package dev.collimate.checkpoint;

import java.util.List;

/**
 * Where a tensor lies.
 *
 * @param name the checkpoint's name
 * @param dtype as stored
 * @param shape as stored, empty for a scalar
 * @param file name of the safetensors file that holds it
 * @param position first byte of the tensor, counted from the start of the file
 * @param bytes number of bytes: elements times bytes per element
 */
record TensorInfo(
    String name, Dtype dtype, List<Long> shape, String file, long position, long bytes) {

  TensorInfo {
    shape = List.copyOf(shape);
  }

  long elements() {
    return bytes / dtype.bytes();
  }
}

package dev.collimate.checkpoint;

import dev.collimate.parameters.ParameterLayout.Parameter;
import java.nio.FloatBuffer;

/**
 * A tensor to be written.
 *
 * @param parameter name and shape
 * @param dtype type in the file
 * @param values where its float32 values come from
 */
record OutTensor(Parameter parameter, Dtype dtype, Values values) {

  /** Values by position; asked for in order, piece by piece. */
  interface Values {
    /** Fills the buffer's remaining space with the elements from {@code firstElement} on. */
    void read(long firstElement, FloatBuffer into);
  }

  String name() {
    return parameter.name();
  }

  long bytes() {
    return Math.multiplyExact(parameter.size(), dtype.bytes());
  }
}

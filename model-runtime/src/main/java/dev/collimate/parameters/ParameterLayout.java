package dev.collimate.parameters;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Names, shapes and offsets of the trained parameters, in the order in which they stand in the flat
 * vector.
 *
 * @param parameters in flat order; offsets follow from the order
 */
public record ParameterLayout(List<Parameter> parameters) {

  /**
   * One trained tensor.
   *
   * @param name the checkpoint's name
   * @param shape as in the checkpoint
   */
  public record Parameter(String name, List<Long> shape) {
    public Parameter {
      shape = List.copyOf(shape);
    }

    public long size() {
      return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }

    /** Weight decay applies to matrices (embeddings and LoRA factors included), not to vectors. */
    public boolean isMatrix() {
      return shape.size() >= 2;
    }
  }

  public ParameterLayout {
    parameters = List.copyOf(parameters);
    Set<String> names = new HashSet<>();
    for (Parameter parameter : parameters) {
      if (!names.add(parameter.name())) {
        throw new IllegalArgumentException(
            "parameter '" + parameter.name() + "' stands twice in the layout");
      }
    }
  }

  /** Number of float32 entries of the whole vector. */
  public long size() {
    return parameters.stream().mapToLong(Parameter::size).sum();
  }

  /** First entry of each parameter, in order, and the total size at the end. */
  public List<Long> offsets() {
    List<Long> offsets = new ArrayList<>(parameters.size() + 1);
    long offset = 0;
    for (Parameter parameter : parameters) {
      offsets.add(offset);
      offset += parameter.size();
    }
    offsets.add(offset);
    return List.copyOf(offsets);
  }
}

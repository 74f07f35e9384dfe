package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import dev.collimate.parameters.ParameterLayout.Parameter;

/**
 * The two factors that an adapter adds to one linear map: {@code y += scale * (x Aᵀ) Bᵀ}.
 *
 * @param a [r, inputs]
 * @param b [outputs, r]
 * @param initialA writes the first values of A
 * @param initialB writes the first values of B
 */
record LowRank(Parameter a, Parameter b, Fill initialA, Fill initialB) {

  /** Writes a tensor's first values. */
  interface Fill {
    void into(TensorCopy copy, PtNDArray tensor);
  }

  void fillA(TensorCopy copy, PtNDArray tensor) {
    initialA.into(copy, tensor);
  }

  void fillB(TensorCopy copy, PtNDArray tensor) {
    initialB.into(copy, tensor);
  }
}

package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.util.ArrayList;
import java.util.List;

/**
 * A value of every state: one linear map of the last hidden state, without a bias, as a classifier
 * of one label has it. It begins at zero, so that the first values are 0, and is computed in
 * float32 whatever the precision of the products.
 */
public final class ValueHead {

  private final Kernels kernels;
  private final PtNDArray weight;

  /**
   * @param weight [1, hidden]
   */
  ValueHead(Kernels kernels, PtNDArray weight) {
    this.kernels = kernels;
    this.weight = weight;
  }

  /** The trained parameters with the head's behind them. */
  public static ParameterLayout behind(ParameterLayout trained, int hidden) {
    List<Parameter> all = new ArrayList<>(trained.parameters());
    all.add(new Parameter(CausalModel.VALUE_HEAD, List.of(1L, (long) hidden)));
    return new ParameterLayout(all);
  }

  /** Values [n] of hidden states [n, hidden]. */
  float[] values(PtNDManager manager, PtNDArray h) {
    try (PtNDArray values = kernels.call(manager, "logits", h, weight, false)) {
      return values.toFloatArray();
    }
  }

  /**
   * Gradient of {@code sum(g * values)}.
   *
   * @return of {@code h}, then of the weight
   */
  List<PtNDArray> gradients(PtNDManager manager, PtNDArray h, PtNDArray g) {
    return kernels.callForList(manager, "score_vjp", h, weight, g, true, false);
  }
}

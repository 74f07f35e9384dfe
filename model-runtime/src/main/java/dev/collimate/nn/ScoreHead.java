package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A sequence classifier's head: one linear map to a few numbers, whose rows all fit. It is read
 * once of a sequence, or, for values, at every token.
 */
final class ScoreHead implements Head {

  private final Kernels kernels;
  private final PtNDArray weight;
  private final boolean bfloat16;
  private final Quantity given;

  /**
   * @param weight [labels, hidden]
   */
  ScoreHead(Kernels kernels, PtNDArray weight, Precision precision) {
    this(kernels, weight, precision, Quantity.SCORE);
  }

  private ScoreHead(Kernels kernels, PtNDArray weight, Precision precision, Quantity given) {
    this.kernels = kernels;
    this.weight = weight;
    this.given = given;
    bfloat16 = precision == Precision.BFLOAT16;
  }

  /**
   * The head of a value model, in float32 whatever the precision of the products, as {@link
   * ValueHead}.
   *
   * @param weight [1, hidden]
   */
  static ScoreHead ofValues(Kernels kernels, PtNDArray weight) {
    return new ScoreHead(kernels, weight, Precision.FLOAT32, Quantity.VALUE);
  }

  @Override
  public Values values(
      PtNDManager manager, PtNDArray h, PtNDArray targets, Set<Quantity> quantities, boolean keep) {
    Head.requireOnly(List.of(given), quantities);
    try (PtNDArray scores = logits(manager, h)) {
      return new Values(Map.of(given, scores.toFloatArray()), List.of());
    }
  }

  @Override
  public List<PtNDArray> gradients(
      PtNDManager manager,
      PtNDArray h,
      PtNDArray targets,
      Values forward,
      List<PtNDArray> g,
      boolean ofWeight) {
    return kernels.callForList(manager, "score_vjp", h, weight, g.get(0), ofWeight, bfloat16);
  }

  @Override
  public PtNDArray logits(PtNDManager manager, PtNDArray h) {
    return kernels.call(manager, "logits", h, weight, bfloat16);
  }
}

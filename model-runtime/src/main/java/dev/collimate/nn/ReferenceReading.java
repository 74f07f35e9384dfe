package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a pass reads of the reference model that ran on the same batch: how far the policy's
 * distributions are from it, what its layers gave, and what networks make of that. Distributions
 * are computed in chunks of rows, again for the gradient, so that memory does not grow with tokens
 * times vocabulary.
 */
final class ReferenceReading {

  private static final List<Quantity> MASKS = List.of(Quantity.REWARD_MASK, Quantity.KL_MASK);

  private final Kernels kernels;
  private final PtNDArray policyHead;
  private final States reference;
  private final boolean bfloat16;
  private final int chunkRows;
  private final Map<Quantity, PtNDArray> masks = new EnumMap<>(Quantity.class);
  private PtNDArray networks;

  /**
   * The reference's side.
   *
   * @param layers [n, hidden] after each layer, where they are wanted; else none
   * @param last [n, hidden] after the final norm
   * @param head its output head's weight
   */
  record States(List<PtNDArray> layers, PtNDArray last, PtNDArray head) {}

  ReferenceReading(Kernels kernels, PtNDArray policyHead, Precision precision, States reference) {
    this.kernels = kernels;
    this.policyHead = policyHead;
    this.reference = reference;
    bfloat16 = precision == Precision.BFLOAT16;
    // Two distributions and their difference are held at a time.
    chunkRows =
        (int)
            Math.max(
                1,
                OutputHead.chunkLogits(policyHead) / 3 / Math.max(1, policyHead.getShape().get(0)));
  }

  /**
   * Reads all that is asked for.
   *
   * @param hidden the policy's [n, hidden]
   * @param own parameters of the masks' networks, one after the other
   * @return [n] each, of activations [n * layers]
   */
  Map<Quantity, float[]> values(
      PtNDManager manager, PtNDArray hidden, Set<Quantity> asked, float[] own, boolean keep) {
    Map<Quantity, float[]> values = new EnumMap<>(Quantity.class);
    if (asked.contains(Quantity.REFERENCE_KL)) {
      values.put(Quantity.REFERENCE_KL, divergences(manager, hidden));
    }
    if (asked.contains(Quantity.REFERENCE_ACTIVATIONS)) {
      try (PtNDArray means = kernels.call(manager, "layer_means", reference.layers())) {
        values.put(Quantity.REFERENCE_ACTIVATIONS, means.toFloatArray());
      }
    }
    if (MASKS.stream().anyMatch(asked::contains)) {
      PtNDArray flat = (PtNDArray) manager.create(own, new Shape(own.length));
      networks = kernels.call(manager, "leaf", flat);
      int width = (int) reference.last().getShape().get(1);
      int size = new TokenMask(width, reference.layers().size()).size();
      for (Quantity mask : MASKS) {
        if (asked.contains(mask)) {
          long first = mask == Quantity.REWARD_MASK ? 0 : size;
          PtNDArray ofTokens =
              kernels.call(manager, "token_mask", reference.layers(), networks, first, keep);
          masks.put(mask, ofTokens);
          values.put(mask, ofTokens.toFloatArray());
        }
      }
    }
    return values;
  }

  private float[] divergences(PtNDManager manager, PtNDArray hidden) {
    int n = (int) hidden.getShape().get(0);
    float[] divergences = new float[n];
    for (int from = 0; from < n; from += chunkRows) {
      try (PtNDManager chunk = (PtNDManager) manager.newSubManager()) {
        int to = Math.min(n, from + chunkRows);
        float[] part =
            kernels
                .call(
                    chunk,
                    "reference_kl",
                    rows(chunk, hidden, from, to),
                    policyHead,
                    rows(chunk, reference.last(), from, to),
                    reference.head(),
                    bfloat16)
                .toFloatArray();
        System.arraycopy(part, 0, divergences, from, part.length);
      }
    }
    return divergences;
  }

  /**
   * Adds the gradient of {@code sum(g * divergence)}.
   *
   * @param ofHead gradients of the policy's hidden states, and of its head's weight where that is
   *     trained
   */
  void addDivergences(PtNDManager manager, PtNDArray hidden, float[] g, List<PtNDArray> ofHead) {
    List<PtNDArray> ofRows = new ArrayList<>();
    for (int from = 0; from < g.length; from += chunkRows) {
      try (PtNDManager chunk = (PtNDManager) manager.newSubManager()) {
        int to = Math.min(g.length, from + chunkRows);
        float[] part = Arrays.copyOfRange(g, from, to);
        List<PtNDArray> gradients =
            kernels.callForList(
                chunk,
                "reference_kl_vjp",
                rows(chunk, hidden, from, to),
                policyHead,
                rows(chunk, reference.last(), from, to),
                reference.head(),
                chunk.create(part, new Shape(part.length)),
                ofHead.size() > 1,
                bfloat16);
        gradients.get(0).attach(manager);
        ofRows.add(gradients.get(0));
        if (ofHead.size() > 1) {
          kernels.call(chunk, "accumulate", ofHead.get(1), gradients.get(1));
        }
      }
    }
    PtNDArray all = kernels.call(manager, "concatenate", ofRows);
    kernels.call(manager, "accumulate", ofHead.get(0), all);
  }

  /**
   * The gradient of {@code sum(g * mask)} over the masks, by the networks' parameters.
   *
   * @param gradients [n] by mask
   */
  float[] ofNetworks(PtNDManager manager, Map<Quantity, float[]> gradients) {
    float[] total = new float[networks == null ? 0 : (int) networks.getShape().get(0)];
    masks.forEach(
        (mask, values) -> {
          float[] g = gradients.get(mask);
          if (g != null) {
            PtNDArray given = (PtNDArray) manager.create(g, new Shape(g.length));
            float[] part =
                kernels
                    .callForList(manager, "vjp", values, List.of(networks), given)
                    .get(0)
                    .toFloatArray();
            for (int i = 0; i < part.length; i++) {
              total[i] += part[i];
            }
          }
        });
    return total;
  }

  private PtNDArray rows(PtNDManager manager, PtNDArray x, int from, int to) {
    return kernels.call(manager, "rows", x, from, to - from);
  }
}

package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The projection to the vocabulary and what is read off it, in chunks of rows. One chunk's
 * log-probabilities are kept for the gradient; more are computed again, so that memory does not
 * grow with tokens times vocabulary. The chunk size is fixed: it is part of the result's identity.
 */
final class OutputHead implements Head {

  /** Logits per chunk: 64 MiB of float32. */
  private static final int CHUNK_LOGITS = 1 << 24;

  /** 512 MiB, since a GPU stands still between two chunks, while their values are fetched. */
  private static final int CHUNK_LOGITS_OF_GPU = 1 << 27;

  /** What it gives, in the order in which the kernel does. */
  static final List<Quantity> QUANTITIES =
      List.of(
          Quantity.LOG_PROB,
          Quantity.MEAN_LOGIT,
          Quantity.ENTROPY,
          Quantity.TOP1,
          Quantity.LOG_SUM_SQUARES);

  private final Kernels kernels;
  private final PtNDArray weight;
  private final int chunkRows;
  private final boolean bfloat16;

  OutputHead(Kernels kernels, PtNDArray weight, Precision precision) {
    this(
        kernels,
        weight,
        precision,
        (int) Math.max(1, chunkLogits(weight) / weight.getShape().get(0)));
  }

  OutputHead(Kernels kernels, PtNDArray weight, Precision precision, int chunkRows) {
    this.kernels = kernels;
    this.weight = weight;
    this.chunkRows = chunkRows;
    bfloat16 = precision == Precision.BFLOAT16;
  }

  /** The logits of a chunk where a head's weight lies. */
  static int chunkLogits(PtNDArray weight) {
    return chunkLogits(
        weight.getDevice().isGpu() ? ComputeDevice.Kind.GPU : ComputeDevice.Kind.CPU);
  }

  static int chunkLogits(ComputeDevice.Kind kind) {
    return kind == ComputeDevice.Kind.GPU ? CHUNK_LOGITS_OF_GPU : CHUNK_LOGITS;
  }

  @Override
  public Values values(
      PtNDManager manager, PtNDArray h, PtNDArray targets, Set<Quantity> quantities, boolean keep) {
    Head.requireOnly(QUANTITIES, quantities);
    int n = (int) targets.size();
    Map<Quantity, float[]> values = new EnumMap<>(Quantity.class);
    values.put(Quantity.LOG_PROB, new float[n]);
    quantities.forEach(quantity -> values.put(quantity, new float[n]));
    boolean isOneChunk = n <= chunkRows;
    List<PtNDArray> kept = new ArrayList<>();
    for (int from = 0; from < n; from += chunkRows) {
      try (PtNDManager chunk = (PtNDManager) manager.newSubManager()) {
        int to = Math.min(n, from + chunkRows);
        List<PtNDArray> results =
            kernels.callForList(
                chunk,
                "token_values",
                rows(chunk, h, from, to),
                weight,
                rows(chunk, targets, from, to),
                quantities.contains(Quantity.MEAN_LOGIT),
                quantities.contains(Quantity.ENTROPY),
                quantities.contains(Quantity.TOP1),
                quantities.contains(Quantity.LOG_SUM_SQUARES),
                bfloat16,
                keep && isOneChunk);
        for (Map.Entry<Quantity, float[]> entry : values.entrySet()) {
          float[] part = results.get(QUANTITIES.indexOf(entry.getKey())).toFloatArray();
          System.arraycopy(part, 0, entry.getValue(), from, part.length);
        }
        if (keep && isOneChunk) {
          PtNDArray every = results.get(QUANTITIES.size());
          every.attach(manager);
          kept.add(every);
        }
      }
    }
    return new Values(values, kept);
  }

  @Override
  public List<PtNDArray> gradients(
      PtNDManager manager,
      PtNDArray h,
      PtNDArray targets,
      Values forward,
      List<PtNDArray> g,
      boolean ofWeight) {
    if (!forward.kept().isEmpty()) {
      PtNDArray every = forward.kept().get(0);
      return kernels.callForList(
          manager, "head_vjp", h, weight, targets, every, g, ofWeight, bfloat16);
    }
    int n = (int) targets.size();
    List<PtNDArray> ofRows = new ArrayList<>();
    PtNDArray weightGradient = null;
    for (int from = 0; from < n; from += chunkRows) {
      try (PtNDManager chunk = (PtNDManager) manager.newSubManager()) {
        int first = from;
        int to = Math.min(n, from + chunkRows);
        PtNDArray part = rows(chunk, h, from, to);
        PtNDArray every = kernels.call(chunk, "log_probs", part, weight, bfloat16);
        List<PtNDArray> gradients =
            kernels.callForList(
                chunk,
                "head_vjp",
                part,
                weight,
                rows(chunk, targets, from, to),
                every,
                g.stream().map(each -> rows(chunk, each, first, to)).toList(),
                ofWeight,
                bfloat16);
        gradients.get(0).attach(manager);
        ofRows.add(gradients.get(0));
        if (ofWeight && weightGradient == null) {
          weightGradient = gradients.get(1);
          weightGradient.attach(manager);
        } else if (ofWeight) {
          kernels.call(chunk, "accumulate", weightGradient, gradients.get(1));
        }
      }
    }
    PtNDArray all = kernels.call(manager, "concatenate", ofRows);
    return ofWeight ? List.of(all, weightGradient) : List.of(all);
  }

  @Override
  public PtNDArray logits(PtNDManager manager, PtNDArray h) {
    return kernels.call(manager, "logits", h, weight, bfloat16);
  }

  private PtNDArray rows(PtNDManager manager, PtNDArray x, int from, int to) {
    return kernels.call(manager, "rows", x, from, to - from);
  }
}

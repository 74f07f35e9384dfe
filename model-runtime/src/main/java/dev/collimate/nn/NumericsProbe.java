package dev.collimate.nn;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import dev.collimate.random.CounterRandom;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * A fixed forward and backward pass through one layer and an output head, large enough that blocked
 * products, vectorised functions and the split over threads take part.
 */
final class NumericsProbe {

  private static final int HIDDEN = 192;
  private static final int INTERMEDIATE = 448;
  private static final int HEADS = 6;
  private static final int KEY_VALUE_HEADS = 3;
  private static final int HEAD_DIM = 32;
  private static final int VOCAB = 509;
  private static final int BATCH = 3;
  private static final int SEQ = 129;
  private static final double EPSILON = 1e-5;

  private final Kernels kernels;
  private final PtNDManager manager;
  private final boolean bfloat16;
  private final List<PtNDArray> parameters = new ArrayList<>();

  private NumericsProbe(Kernels kernels, PtNDManager manager, Precision precision) {
    this.kernels = kernels;
    this.manager = manager;
    bfloat16 = precision == Precision.BFLOAT16;
  }

  /** Hexadecimal SHA-256 of the log-probabilities and of every gradient. */
  static String hash(Engine engine, Precision precision) {
    try (PtNDManager manager = engine.newManager()) {
      return new NumericsProbe(engine.kernels(), manager, precision).run();
    }
  }

  private String run() {
    PtNDArray norm = parameter("norm.weight", HIDDEN);
    Map<String, PtNDArray> roles = layer();
    PtNDArray head = parameter("head", VOCAB, HIDDEN);
    PtNDArray x = numbers("x", 1, BATCH, SEQ, HIDDEN);
    int n = BATCH * SEQ;
    PtNDArray rows = (PtNDArray) manager.arange(0, n, 1, DataType.INT64);
    PtNDArray targets = (PtNDArray) manager.arange(1, n + 1, 1, DataType.INT64);
    Map<String, PtNDArray> context =
        Map.of(
            "cos", numbers("cos", 1, SEQ, HEAD_DIM),
            "sin", numbers("sin", 1, SEQ, HEAD_DIM),
            "rows", rows);
    try (IValue dictionary = IValue.stringMapFrom(roles);
        IValue batch = IValue.stringMapFrom(context);
        IValue outer = IValue.stringMapFrom(Map.of("norm.weight", norm))) {
      long[] sizes = {HEADS, KEY_VALUE_HEADS, HEAD_DIM};
      double scale = 1 / Math.sqrt(HEAD_DIM);
      PtNDArray y =
          kernels.call(
              manager,
              "layer",
              x,
              dictionary,
              batch,
              sizes,
              EPSILON,
              scale,
              "silu",
              0.0,
              bfloat16,
              true);
      PtNDArray h = kernels.call(manager, "final_norm", y, outer, EPSILON, true);
      List<PtNDArray> values =
          kernels.callForList(
              manager, "token_values", h, head, targets, true, true, true, true, bfloat16, true);
      PtNDArray every = values.get(values.size() - 1);
      PtNDArray g = numbers("g", 1, n);
      List<PtNDArray> ofHead =
          kernels.callForList(
              manager, "head_vjp", h, head, targets, every, List.of(g), true, bfloat16);
      MessageDigest digest = Numerics.sha256();
      values.forEach(array -> digest.update(array.toByteBuffer(false)));
      digest.update(ofHead.get(1).toByteBuffer(false));
      List<PtNDArray> wanted = parameters.subList(0, parameters.size() - 1);
      kernels
          .callForList(manager, "vjp", h, wanted, ofHead.get(0))
          .forEach(gradient -> digest.update(gradient.toByteBuffer(false)));
      return HexFormat.of().formatHex(digest.digest());
    }
  }

  private Map<String, PtNDArray> layer() {
    int queries = HEADS * HEAD_DIM;
    int keys = KEY_VALUE_HEADS * HEAD_DIM;
    Map<String, PtNDArray> roles = new HashMap<>();
    roles.put("attention_norm.weight", parameter("attention_norm", HIDDEN));
    roles.put("q.weight", parameter("q", queries, HIDDEN));
    roles.put("k.weight", parameter("k", keys, HIDDEN));
    roles.put("v.weight", parameter("v", keys, HIDDEN));
    roles.put("o.weight", parameter("o", HIDDEN, queries));
    roles.put("mlp_norm.weight", parameter("mlp_norm", HIDDEN));
    roles.put("gate.weight", parameter("gate", INTERMEDIATE, HIDDEN));
    roles.put("up.weight", parameter("up", INTERMEDIATE, HIDDEN));
    roles.put("down.weight", parameter("down", HIDDEN, INTERMEDIATE));
    return roles;
  }

  private PtNDArray parameter(String name, long... shape) {
    PtNDArray tensor = numbers(name, 0.1, shape);
    JniUtils.attachGradient(tensor, true);
    parameters.add(tensor);
    return tensor;
  }

  private PtNDArray numbers(String name, double spread, long... shape) {
    Shape size = new Shape(shape);
    CounterRandom random = CounterRandom.of(0, name);
    float[] values = new float[(int) size.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (spread * (2 * random.uniform(i) - 1));
    }
    return (PtNDArray) manager.create(values, size);
  }
}

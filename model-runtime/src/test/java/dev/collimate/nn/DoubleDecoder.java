package dev.collimate.nn;

import dev.collimate.checkpoint.DecoderLayout;
import dev.collimate.checkpoint.DecoderLayout.Layer;
import dev.collimate.checkpoint.DecoderLayout.Linear;
import dev.collimate.checkpoint.DecoderLayout.NormWeights;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.Rope;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The decoder written once more, position by position in float64, to test the fast one against. */
final class DoubleDecoder {

  private final ModelConfig config;
  private final DecoderLayout layout;
  private final Map<String, double[]> weights = new HashMap<>();

  DoubleDecoder(ModelFolder model) {
    config = model.config();
    layout = model.layout();
    for (Parameter parameter : layout.parameters().parameters()) {
      float[] stored = model.tensors().readFloat32(parameter.name());
      double[] values = new double[stored.length];
      for (int i = 0; i < stored.length; i++) {
        values[i] = stored[i];
      }
      weights.put(parameter.name(), values);
    }
  }

  /** The values of a parameter, which may be changed. */
  double[] weight(String name) {
    return weights.get(name);
  }

  /** Sum of the log-probabilities of all tokens but the first. */
  double logProb(int[] ids) {
    double[][] logits = logits(ids);
    double sum = 0;
    for (int t = 1; t < ids.length; t++) {
      double total = 0;
      for (double logit : logits[t - 1]) {
        total += Math.exp(logit);
      }
      sum += logits[t - 1][ids[t]] - Math.log(total);
    }
    return sum;
  }

  /** [seq][vocab]. */
  double[][] logits(int[] ids) {
    double[][] x = new double[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      x[t] = row(weights.get(layout.tokens().weight()), ids[t], config.hiddenSize());
      if (layout.positions().isPresent()) {
        add(x[t], row(weights.get(layout.positions().get().weight()), t, config.hiddenSize()));
      }
    }
    for (int i = 0; i < layout.layers().size(); i++) {
      attention(x, i);
      mlp(x, layout.layers().get(i));
    }
    double[][] logits = new double[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      logits[t] = linear(layout.head(), norm(layout.finalNorm(), x[t], config.norm()));
    }
    return logits;
  }

  private void attention(double[][] x, int index) {
    Layer layer = layout.layers().get(index);
    ModelConfig.Attention attention = config.attention();
    int width = attention.headDim();
    int seq = x.length;
    double[][] q = new double[seq][];
    double[][] k = new double[seq][];
    double[][] v = new double[seq][];
    for (int t = 0; t < seq; t++) {
      double[] h = norm(layer.attentionNorm(), x[t], config.norm());
      if (layer.isFused()) {
        double[] all = linear(layer.attentionInputs().get(0), h);
        q[t] = row(all, 0, attention.heads() * width);
        k[t] = row(all, 1, attention.heads() * width);
        v[t] = row(all, 2, attention.heads() * width);
      } else {
        q[t] = linear(layer.attentionInputs().get(0), h);
        k[t] = linear(layer.attentionInputs().get(1), h);
        v[t] = linear(layer.attentionInputs().get(2), h);
      }
      prepare(q[t], layer.queryNorm(), t, width);
      prepare(k[t], layer.keyNorm(), t, width);
    }
    int groups = attention.heads() / attention.keyValueHeads();
    int window = config.windows().get(index);
    for (int t = 0; t < seq; t++) {
      double[] y = new double[attention.heads() * width];
      for (int head = 0; head < attention.heads(); head++) {
        int first = window == 0 ? 0 : Math.max(0, t - window + 1);
        double[] scores = new double[t + 1];
        double total = 0;
        for (int s = first; s <= t; s++) {
          double dot = 0;
          for (int d = 0; d < width; d++) {
            dot += q[t][head * width + d] * k[s][head / groups * width + d];
          }
          scores[s] = Math.exp(dot * attention.scale(index));
          total += scores[s];
        }
        for (int s = first; s <= t; s++) {
          for (int d = 0; d < width; d++) {
            y[head * width + d] += scores[s] / total * v[s][head / groups * width + d];
          }
        }
      }
      add(x[t], linear(layer.attentionOutput(), y));
    }
  }

  /** Norms every head and turns it by its position's angles. */
  private void prepare(double[] heads, Optional<NormWeights> norm, int t, int width) {
    for (int from = 0; from < heads.length; from += width) {
      if (norm.isPresent()) {
        double[] head = norm(norm.get(), row(heads, from / width, width), ModelConfig.Norm.RMS);
        System.arraycopy(head, 0, heads, from, width);
      }
      if (config.positions() instanceof Rope rope) {
        rotate(heads, from, width, t, rope);
      }
    }
  }

  private static void rotate(double[] heads, int from, int width, int t, Rope rope) {
    float[] frequencies = rope.inverseFrequencies(width);
    for (int i = 0; i < width / 2; i++) {
      double angle = (double) t * frequencies[i];
      double a = heads[from + i];
      double b = heads[from + width / 2 + i];
      heads[from + i] = a * Math.cos(angle) - b * Math.sin(angle);
      heads[from + width / 2 + i] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  }

  private void mlp(double[][] x, Layer layer) {
    for (int t = 0; t < x.length; t++) {
      double[] h = norm(layer.mlpNorm(), x[t], config.norm());
      double[] up = linear(layer.up(), h);
      if (layer.gate().isPresent()) {
        double[] gate = linear(layer.gate().get(), h);
        for (int i = 0; i < up.length; i++) {
          up[i] *= activation(gate[i]);
        }
      } else {
        for (int i = 0; i < up.length; i++) {
          up[i] = activation(up[i]);
        }
      }
      add(x[t], linear(layer.down(), up));
    }
  }

  private double activation(double x) {
    return switch (config.mlp().activation()) {
      case SILU -> x / (1 + Math.exp(-x));
      case GELU_TANH ->
          0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case GELU -> throw new UnsupportedOperationException("no error function in Java");
    };
  }

  private double[] linear(Linear linear, double[] x) {
    double[] weight = weights.get(linear.weight());
    double[] y = new double[linear.outputs()];
    for (int o = 0; o < y.length; o++) {
      for (int i = 0; i < x.length; i++) {
        int entry = linear.transposed() ? i * y.length + o : o * x.length + i;
        y[o] += weight[entry] * x[i];
      }
    }
    if (linear.hasBias()) {
      add(y, weights.get(linear.bias()));
    }
    return y;
  }

  private double[] norm(NormWeights norm, double[] x, ModelConfig.Norm kind) {
    double mean = 0;
    if (kind == ModelConfig.Norm.LAYER) {
      for (double value : x) {
        mean += value / x.length;
      }
    }
    double square = 0;
    for (double value : x) {
      square += (value - mean) * (value - mean) / x.length;
    }
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] =
          (x[i] - mean) / Math.sqrt(square + config.normEpsilon()) * weights.get(norm.weight())[i];
    }
    if (norm.hasBias()) {
      add(y, weights.get(norm.bias()));
    }
    return y;
  }

  private static double[] row(double[] matrix, int row, int columns) {
    return Arrays.copyOfRange(matrix, row * columns, (row + 1) * columns);
  }

  private static void add(double[] x, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += y[i];
    }
  }
}

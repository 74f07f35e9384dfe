package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.text.FurtherSequence;
import dev.collimate.text.RowColumns;
import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How rows are read for a reward model, and what its numbers are: those of its training, as the
 * options of the objectives {@code reward} and {@code gpm} were.
 *
 * @param context {@code context_column}; empty: none
 * @param hasGate {@code prompt_gate}: the last third of the numbers, at the end of the prompt,
 *     weighs the blocks
 * @param gateScale {@code gate_scale}
 * @param normalizes whether vectors are given the length 1
 */
public record RewardReading(String context, boolean hasGate, double gateScale, boolean normalizes)
    implements Serializable {

  static final RewardReading PLAIN = new RewardReading("", false, 1, false);

  private static final String PROMPT = "prompt";

  public RewardReading {
    if (hasGate && !context.isEmpty()) {
      throw CollimateException.usage(
          "--prompt_gate: does not go with --context_column; write the context into the prompt");
    }
    if (!(gateScale > 0)) {
      throw CollimateException.usage("--gate_scale: must be > 0, got " + gateScale);
    }
  }

  /** Throws (usage) where a model of so many numbers cannot be read in this way. */
  void requireFit(int numbers) {
    if (hasGate && (numbers == 0 || numbers % 3 != 0)) {
      throw CollimateException.usage(
          "--prompt_gate: the model gives %d numbers, with a gate they come in threes"
              .formatted(numbers));
    }
    if (normalizes && numbers < 2) {
      throw CollimateException.usage(
          "--normalize: has no effect on a model of one number; leave it out");
    }
  }

  RowColumns columns(RowColumns usual) {
    RowColumns columns = context.isEmpty() ? usual : usual.withContext(context);
    return hasGate
        ? columns.withSequences(new FurtherSequence(PROMPT, "{prompt}", /* completion= */ ""))
        : columns;
  }

  /**
   * What is written of a row's numbers: they themselves, or vectors whose skew-symmetric product is
   * the preference score, the gate's weights in both by their root.
   *
   * @param numbers of each sequence
   */
  Map<String, float[]> of(Map<String, float[]> numbers) {
    Map<String, float[]> read = new LinkedHashMap<>(numbers);
    float[] gate = read.remove(PROMPT);
    int length = gate == null ? 0 : gate.length / 3 * 2;
    double[] weights = gate == null ? new double[0] : weights(gate, length);
    read.replaceAll(
        (role, values) -> {
          float[] vector = gate == null ? values : Arrays.copyOf(values, length);
          return scaled(normalizes ? unit(vector) : vector, weights);
        });
    return read;
  }

  private double[] weights(float[] gate, int length) {
    double most = Double.NEGATIVE_INFINITY;
    for (int i = length; i < gate.length; i++) {
      most = Math.max(most, gate[i] / gateScale);
    }
    double[] weights = new double[gate.length - length];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = StrictMath.exp(gate[length + i] / gateScale - most);
      sum += weights[i];
    }
    for (int i = 0; i < weights.length; i++) {
      weights[i] *= weights.length / sum;
    }
    return weights;
  }

  private static float[] scaled(float[] vector, double[] weights) {
    float[] scaled = vector.clone();
    for (int i = 0; weights.length > 0 && i < scaled.length; i++) {
      scaled[i] = (float) (scaled[i] * Math.sqrt(weights[i / 2]));
    }
    return scaled;
  }

  private static float[] unit(float[] vector) {
    double squares = 0;
    for (float number : vector) {
      squares += (double) number * number;
    }
    float[] unit = vector.clone();
    for (int i = 0; squares > 0 && i < unit.length; i++) {
      unit[i] = (float) (unit[i] / Math.sqrt(squares));
    }
    return unit;
  }
}

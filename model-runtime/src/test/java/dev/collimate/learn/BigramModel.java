package dev.collimate.learn;

import dev.collimate.nn.CausalModel;
import dev.collimate.nn.Quantity;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A real causal model small enough to differentiate by hand: the logits of a token are the row of a
 * [vocab, vocab] matrix that the token before it picks. The scores of a sequence are the row that
 * its last token picks. Its reference is uniform, its last hidden state the row of the token before
 * the last, and the objective's own parameters give masks as squares.
 */
class BigramModel implements CausalModel {

  private final int vocab;
  private final ParameterLayout layout;
  private final FlatVector weights;
  private FlatVector gradientVector;
  private double[] own = new double[0];

  BigramModel(int vocab) {
    this(vocab, /* hasValues= */ false);
  }

  /**
   * @param hasValues whether every token has a value too, which the token before it picks
   */
  BigramModel(int vocab, boolean hasValues) {
    this.vocab = vocab;
    List<Parameter> parameters = new ArrayList<>();
    parameters.add(new Parameter("bigram.weight", List.of((long) vocab, (long) vocab)));
    if (hasValues) {
      parameters.add(new Parameter(CausalModel.VALUE_HEAD, List.of(1L, (long) vocab)));
    }
    this.layout = new ParameterLayout(parameters);
    this.weights = new FlatVector(layout.size());
  }

  @Override
  public ParameterLayout layout() {
    return layout;
  }

  @Override
  public void load(FlatVector parameters) {
    weights.copyFrom(parameters);
  }

  @Override
  public void store(FlatVector into) {
    into.copyFrom(weights);
  }

  @Override
  public void loadOwn(double[] parameters) {
    own = parameters.clone();
  }

  private int ownOf(Quantity mask, int previous) {
    return mask == Quantity.REWARD_MASK ? previous : own.length - 1 - previous;
  }

  /** The vector that the last gradient was written to. */
  FlatVector gradientVector() {
    return gradientVector;
  }

  @Override
  public Pass forward(
      List<Sequence> sequences, Set<Quantity> quantities, Mode mode, Adapter adapter) {
    return new BigramPass(sequences, mode, quantities.contains(Quantity.SCORE));
  }

  @Override
  public void close() {}

  private double[] probabilities(int previous) {
    double[] probabilities = new double[vocab];
    double total = 0;
    for (int token = 0; token < vocab; token++) {
      probabilities[token] = Math.exp(weights.get((long) previous * vocab + token));
      total += probabilities[token];
    }
    for (int token = 0; token < vocab; token++) {
      probabilities[token] /= total;
    }
    return probabilities;
  }

  private final class BigramPass implements Pass {
    private final List<Sequence> sequences;
    private final Mode mode;
    private final boolean isScored;

    BigramPass(List<Sequence> sequences, Mode mode, boolean isScored) {
      this.sequences = sequences;
      this.mode = mode;
      this.isScored = isScored;
    }

    @Override
    public float[][] values(Quantity quantity) {
      float[][] values = new float[sequences.size()][];
      for (int s = 0; s < values.length; s++) {
        Sequence sequence = sequences.get(s);
        if (quantity == Quantity.SCORE) {
          values[s] = scores(sequence);
          continue;
        }
        List<Integer> positions = counted(sequence);
        if (quantity == Quantity.LAST_HIDDEN) {
          values[s] = row(beforeLast(sequence, positions));
          continue;
        }
        if (quantity == Quantity.REFERENCE_ACTIVATIONS) {
          values[s] = activations(sequence, positions);
          continue;
        }
        values[s] = new float[positions.size()];
        for (int i = 0; i < values[s].length; i++) {
          int position = positions.get(i);
          values[s][i] =
              (float) value(quantity, sequence.ids()[position - 1], sequence.ids()[position]);
        }
      }
      return values;
    }

    /** The row of the last token, vocab numbers. */
    private float[] scores(Sequence sequence) {
      return row(sequence.ids()[sequence.length() - 1]);
    }

    private float[] row(int token) {
      float[] row = new float[vocab];
      for (int label = 0; label < vocab; label++) {
        row[label] = weights.get((long) token * vocab + label);
      }
      return row;
    }

    private static int beforeLast(Sequence sequence, List<Integer> positions) {
      return sequence.ids()[positions.get(positions.size() - 1) - 1];
    }

    /** Of two layers, numbers that the token before decides. */
    private static float[] activations(Sequence sequence, List<Integer> positions) {
      float[] activations = new float[2 * positions.size()];
      for (int i = 0; i < positions.size(); i++) {
        int previous = sequence.ids()[positions.get(i) - 1];
        activations[2 * i] = previous;
        activations[2 * i + 1] = previous * previous % 7;
      }
      return activations;
    }

    private long scoreEntry(Sequence sequence, int label) {
      return (long) sequence.ids()[sequence.length() - 1] * vocab + label;
    }

    private double value(Quantity quantity, int previous, int token) {
      double[] probabilities = probabilities(previous);
      double value = 0;
      switch (quantity) {
        case LOG_PROB -> value = Math.log(probabilities[token]);
        case MEAN_LOGIT -> {
          for (int other = 0; other < vocab; other++) {
            value += weights.get((long) previous * vocab + other) / vocab;
          }
        }
        case ENTROPY -> {
          for (double probability : probabilities) {
            value -= probability * Math.log(probability);
          }
        }
        case VALUE -> value = weights.get((long) vocab * vocab + previous);
        case REFERENCE_KL -> {
          for (double probability : probabilities) {
            value -= Math.log(probability * vocab) / vocab;
          }
        }
        case REWARD_MASK, KL_MASK ->
            value = own[ownOf(quantity, previous)] * own[ownOf(quantity, previous)];
        case SCORE, REFERENCE_ACTIVATIONS, LAST_HIDDEN ->
            throw new IllegalArgumentException("a token has no " + quantity);
        case TOP1 -> {
          value = 1;
          for (double probability : probabilities) {
            value = probability > probabilities[token] ? 0 : value;
          }
        }
        case LOG_SUM_SQUARES -> {
          for (double probability : probabilities) {
            value += probability * probability;
          }
          value = Math.log(value);
        }
      }
      return value;
    }

    @Override
    public void backward(float[][] gradients, FlatVector into) {
      backward(Map.of(isScored ? Quantity.SCORE : Quantity.LOG_PROB, gradients), into);
    }

    @Override
    public float[] backward(Map<Quantity, float[][]> gradients, FlatVector into) {
      if (mode != Mode.TRAIN) {
        throw new IllegalStateException("only a pass in mode TRAIN can be differentiated");
      }
      gradientVector = into;
      double[] gradient = new double[(int) layout.size()];
      float[] ofOwn = new float[own.length];
      for (int s = 0; s < sequences.size(); s++) {
        Sequence sequence = sequences.get(s);
        if (isScored) {
          for (int label = 0; label < vocab; label++) {
            gradient[(int) scoreEntry(sequence, label)] += gradients.get(Quantity.SCORE)[s][label];
          }
          continue;
        }
        List<Integer> positions = counted(sequence);
        for (int i = 0; i < positions.size(); i++) {
          int previous = sequence.ids()[positions.get(i) - 1];
          double[] probabilities = probabilities(previous);
          for (Quantity mask : List.of(Quantity.REWARD_MASK, Quantity.KL_MASK)) {
            if (gradients.containsKey(mask)) {
              int index = ownOf(mask, previous);
              ofOwn[index] += (float) (2 * own[index] * gradients.get(mask)[s][i]);
            }
          }
          for (int token = 0; token < vocab; token++) {
            double indicator = token == sequence.ids()[positions.get(i)] ? 1 : 0;
            gradient[previous * vocab + token] +=
                gradients.get(Quantity.LOG_PROB)[s][i] * (indicator - probabilities[token]);
            if (gradients.containsKey(Quantity.REFERENCE_KL)) {
              gradient[previous * vocab + token] +=
                  gradients.get(Quantity.REFERENCE_KL)[s][i] * (probabilities[token] - 1.0 / vocab);
            }
          }
          if (gradients.containsKey(Quantity.VALUE)) {
            gradient[vocab * vocab + previous] += gradients.get(Quantity.VALUE)[s][i];
          }
          if (gradients.containsKey(Quantity.ENTROPY)) {
            double entropy = value(Quantity.ENTROPY, previous, 0);
            for (int token = 0; token < vocab; token++) {
              double p = probabilities[token];
              gradient[previous * vocab + token] -=
                  gradients.get(Quantity.ENTROPY)[s][i] * p * (Math.log(p) + entropy);
            }
          }
        }
        if (gradients.containsKey(Quantity.LAST_HIDDEN)) {
          int first = beforeLast(sequence, positions) * vocab;
          for (int k = 0; k < vocab; k++) {
            gradient[first + k] += gradients.get(Quantity.LAST_HIDDEN)[s][k];
          }
        }
      }
      for (int i = 0; i < gradient.length; i++) {
        into.set(i, (float) gradient[i]);
      }
      return ofOwn;
    }

    private static List<Integer> counted(Sequence sequence) {
      List<Integer> positions = new ArrayList<>();
      for (int t = 0; t < sequence.length(); t++) {
        if (sequence.lossMask()[t] == 1) {
          positions.add(t);
        }
      }
      return positions;
    }

    @Override
    public void close() {}
  }
}

package dev.collimate.nn;

import dev.collimate.random.CounterRandom;

/**
 * SparsePO's learnt mask (Christopoulou et al. 2024, arXiv:2410.05102): of the hidden states H_l
 * after each layer {@code q_l = relu(w_l * LayerNorm(H_l) + b_l)}, and of those {@code mask =
 * relu(c * q)}. The LayerNorm is one for all layers. Its parameters stand flat: weight and bias of
 * the LayerNorm, of every layer w and b, then c.
 *
 * @param hidden numbers of a hidden state
 * @param layers of the model
 */
public record TokenMask(int hidden, int layers) {

  /** Number of parameters. */
  public int size() {
    return 2 * hidden + layers * (hidden + 1) + layers;
  }

  /**
   * Parameters as torch's modules start: LayerNorm as identity, linear maps uniform within one over
   * the root of their inputs.
   *
   * @param name of the network, by which its numbers differ from another's
   */
  public double[] initial(long seed, String name) {
    CounterRandom random = CounterRandom.of(seed, name);
    double[] parameters = new double[size()];
    for (int i = 0; i < hidden; i++) {
      parameters[i] = 1;
    }
    for (int i = 2 * hidden; i < parameters.length; i++) {
      int inputs = i < parameters.length - layers ? hidden : layers;
      parameters[i] = (2 * random.uniform(i) - 1) / StrictMath.sqrt(inputs);
    }
    return parameters;
  }
}

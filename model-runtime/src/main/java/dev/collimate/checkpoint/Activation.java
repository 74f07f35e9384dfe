package dev.collimate.checkpoint;

/** The nonlinearity of the MLP. */
public enum Activation {
  /** {@code x * sigmoid(x)}. */
  SILU,
  /** {@code x * Phi(x)} with the exact normal distribution function. */
  GELU,
  /** {@code 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}: gelu_new, gelu_pytorch_tanh. */
  GELU_TANH
}

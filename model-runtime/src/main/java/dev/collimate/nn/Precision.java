package dev.collimate.nn;

/** Arithmetic of the products; norms, softmax, sums and parameters are float32 always. */
public enum Precision {
  FLOAT32,
  BFLOAT16
}

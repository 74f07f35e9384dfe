package dev.collimate.objective;

/** What an objective reads of the reference model. */
public enum ReferenceUse {
  /** Nothing: no reference pass runs. */
  NONE,
  /** The summed log-probability of every sequence. */
  SUMS,
  /** The log-probability of every counted token, and with it the sums. */
  TOKENS
}

package dev.collimate.checkpoint;

/** How a decoder knows where a token stands. */
public sealed interface Positions permits Rope, Positions.Learned {

  /**
   * A learned vector per position is added to the token's embedding.
   *
   * @param count rows of the table; no longer sequence can be read
   */
  record Learned(int count) implements Positions {}
}

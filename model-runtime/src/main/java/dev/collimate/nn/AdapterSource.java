package dev.collimate.nn;

import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.AdapterFolder;

/** Where a decoder's adapter comes from. */
public sealed interface AdapterSource {

  /** No adapter. */
  record None() implements AdapterSource {}

  /**
   * A new adapter: A drawn from {@code U(-1/sqrt(inputs), 1/sqrt(inputs))} (PEFT's Kaiming uniform
   * with a = sqrt 5), B zero.
   *
   * @param seed every entry depends on the seed, its parameter's name and its index alone
   */
  record Fresh(AdapterConfig config, long seed) implements AdapterSource {}

  /** An adapter as it stands in a folder, which must stay open until the decoder is loaded. */
  record Continued(AdapterFolder folder) implements AdapterSource {}
}

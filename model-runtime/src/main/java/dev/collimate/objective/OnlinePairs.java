package dev.collimate.objective;

import dev.collimate.text.Sequence;

/** An objective on two completions of a prompt, which are one row. */
sealed interface OnlinePairs extends Online permits OnlineDpo, NashMd {

  @Override
  default Needs needs() {
    return OnlinePair.NEEDS;
  }

  @Override
  default boolean comparesWithOld() {
    return false;
  }

  @Override
  default boolean comparesCompletions() {
    return true;
  }

  @Override
  default Sequence sequence(Sampled sampled) {
    return Completions.counted(sampled);
  }
}

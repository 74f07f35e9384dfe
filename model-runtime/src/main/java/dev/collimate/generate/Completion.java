package dev.collimate.generate;

/**
 * What follows a prompt.
 *
 * @param ids token ids, with the end-of-sequence token where it ended by one
 * @param logProbs of the ids, at the sampling temperature before any cut by top-k or top-p
 */
public record Completion(int[] ids, float[] logProbs) {}

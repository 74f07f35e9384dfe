package dev.collimate.text;

/**
 * A completion that a row brings along.
 *
 * @param ids token ids
 * @param logProbs the sampler's, of each id; empty where they are not read
 * @param ended whether it came to an end by itself; otherwise it was cut
 */
public record GivenCompletion(int[] ids, float[] logProbs, boolean ended) {}

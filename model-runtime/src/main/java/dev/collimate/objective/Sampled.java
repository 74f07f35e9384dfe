package dev.collimate.objective;

/**
 * A completion as it was sampled.
 *
 * @param prompt token ids
 * @param completion token ids, the end of sequence included where there is one
 * @param ended whether it came to an end by itself; otherwise it was cut
 * @param maxCompletionLength most tokens that a completion of this run can have
 */
public record Sampled(int[] prompt, int[] completion, boolean ended, int maxCompletionLength) {}

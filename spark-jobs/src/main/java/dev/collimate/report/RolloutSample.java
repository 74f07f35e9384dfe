package dev.collimate.report;

/**
 * A completion that the policy wrote in training.
 *
 * @param reward the weighted sum of its rewards, or why it has none
 */
public record RolloutSample(long step, String prompt, String completion, String reward) {}

package dev.collimate.reward;

import java.util.Map;

/**
 * A reward that a run uses.
 *
 * @param name of a line of {@link RewardFunctions}, or of a class in a user's jar
 * @param label what metrics call it, {@code rewards/<label>/mean}; unique in a run
 * @param weight by which its value counts in the sum
 * @param limits how it is asked; usual is {@link RewardSpec#limits}
 * @param options its own ones, of the kinds' types; the rest have their defaults
 */
public record RewardChoice(
    String name, String label, double weight, RewardLimits limits, Map<String, Object> options) {

  public RewardChoice {
    options = Map.copyOf(options);
  }
}

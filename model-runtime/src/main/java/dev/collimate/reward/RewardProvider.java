package dev.collimate.reward;

/**
 * Brings a reward from a jar of the user's own: a public class with a public constructor without
 * arguments, in a jar given to Spark with {@code --jars}. Where the jar names it in {@code
 * META-INF/services/dev.collimate.reward.RewardProvider}, its reward is named in run files like
 * those that come with Collimate; else by the name of this class. A {@link RewardFunction} without
 * options needs no provider: its class can be named.
 */
public interface RewardProvider {

  /** The line of the table; its name must be new. */
  RewardSpec spec();
}

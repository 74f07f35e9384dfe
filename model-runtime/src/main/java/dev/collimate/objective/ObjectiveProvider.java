package dev.collimate.objective;

/**
 * Brings an objective from a jar of the user's own. The jar names its provider, a public class with
 * a public constructor without arguments, in {@code
 * META-INF/services/dev.collimate.objective.ObjectiveProvider}, and is given to Spark with {@code
 * --jars}; then the objective is named in run files like those that come with Collimate.
 */
public interface ObjectiveProvider {

  /** The line of the table; its name must be new. */
  ObjectiveSpec spec();
}

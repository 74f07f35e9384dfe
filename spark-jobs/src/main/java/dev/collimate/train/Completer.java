package dev.collimate.train;

import dev.collimate.parameters.FlatVector;
import dev.collimate.train.Rollouts.Completed;
import java.util.List;

/** Where the completions come from that a run learns from. */
interface Completer {

  /**
   * The completions of a rollout.
   *
   * @param version of the parameters before it
   * @param step the first optimizer step that it serves
   * @param units rows of every unit
   * @return those of a prompt next to each other, in the order of the units
   */
  List<Completed> complete(long version, FlatVector parameters, long step, List<int[]> units);
}

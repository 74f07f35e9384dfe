package dev.collimate.reward;

import java.util.List;
import java.util.OptionalDouble;

/**
 * Scores completions. TRL's contract: it sees prompts, completions, completion ids and the columns
 * of the rows, and says a number for each row, or nothing where it does not apply to the row.
 *
 * <p>An instance is called by one thread at a time, unless its {@link RewardSpec} hands the same
 * one to several. A call that throws, takes too long, or gives no number costs its rows, never the
 * step; a call of several rows that fails is repeated row by row first. A thread that is stuck in a
 * call is given up with its instance.
 */
@FunctionalInterface
public interface RewardFunction {

  /**
   * The rewards of the rows.
   *
   * @return one for each row, in order; empty where the reward does not apply
   * @throws Exception where the rows cannot be scored; its message is reported
   */
  List<OptionalDouble> score(RewardBatch batch) throws Exception;
}

package dev.collimate.reward;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;

import dev.collimate.CollimateException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Counts steps in a row of which no completion has a reward. They teach nothing, and what takes all
 * rewards of several, such as an endpoint's wrong key, takes those of every further one. Used by
 * one thread.
 */
final class LostSteps {

  private final int most;
  private int inARow;
  private long first;
  private RewardFailure cause;

  /**
   * @param most the number that is too many; 0: none is
   */
  LostSteps(int most) {
    this.most = most;
  }

  /** Notes a step; returns the run's failure, of kind RESOURCES, where it is one too many. */
  Optional<CollimateException> add(long step, RewardOutcome outcome) {
    if (outcome.lost() < outcome.rows().size() || outcome.rows().isEmpty()) {
      inARow = 0;
      return Optional.empty();
    }
    if (inARow == 0) {
      first = step;
      cause = cause(outcome);
    }
    inARow++;
    if (most == 0 || inARow < most) {
      return Optional.empty();
    }
    return Optional.of(
        CollimateException.resources(
            "rewards: no completion of %s has a reward; they were lost by '%s' (%s%s); mend that and start the run again, which goes on there, or raise rollout.max_lost_rollouts"
                .formatted(
                    inARow == 1
                        ? "step " + step
                        : "%d rollouts in a row, from step %d to step %d,"
                            .formatted(inARow, first, step),
                    cause.label(),
                    cause.reason().code(),
                    cause.detail().isEmpty() ? "" : ": " + cause.detail())));
  }

  /** The first failure of the reward that took most rows; a stray one may stand before it. */
  private static RewardFailure cause(RewardOutcome outcome) {
    List<RewardFailure> failures =
        outcome.rows().stream().map(row -> row.failure().orElseThrow()).toList();
    String commonest =
        failures.stream()
            .collect(groupingBy(RewardFailure::label, TreeMap::new, counting()))
            .entrySet()
            .stream()
            .max(Map.Entry.comparingByValue())
            .orElseThrow()
            .getKey();
    return failures.stream().filter(f -> f.label().equals(commonest)).findFirst().orElseThrow();
  }
}

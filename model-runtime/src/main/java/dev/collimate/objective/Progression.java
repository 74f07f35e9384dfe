package dev.collimate.objective;

import java.util.List;
import java.util.Optional;

/**
 * An order of training in phases: the rows whose column holds the least number first, then those of
 * the next, and so on, each phase after the first with some rows of the phases before it.
 *
 * @param column of numbers that the rows are ordered by
 * @param replay rows of earlier phases for each row of a phase
 */
public record Progression(String column, double replay) {

  private static final String PROGRESSIVE = "progressive";
  private static final String REPLAY = "replay";

  static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.flag(
              PROGRESSIVE,
              false,
              "In every epoch train the first statements, then the second ones, and so on, instead"
                  + " of all mixed."),
          ObjectiveOption.number(
                  REPLAY,
                  0.2,
                  ">= 0 and <= 1",
                  "Pairs of earlier statements that come again for each pair of a phase, spread"
                      + " evenly over it; an epoch is so much longer.")
              .onlyWith(PROGRESSIVE, List.of("true")));

  /** What the options say; empty where the rows are mixed. */
  static Optional<Progression> of(Options options, String column) {
    return options.flag(PROGRESSIVE)
        ? Optional.of(new Progression(column, options.number(REPLAY)))
        : Optional.empty();
  }
}

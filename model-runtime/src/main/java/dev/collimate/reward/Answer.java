package dev.collimate.reward;

import dev.collimate.reward.RewardFailure.Reason;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/** What a reward said of a row, before the rewards of the row are put together. */
sealed interface Answer {

  /** A finite number, or NaN where the reward does not apply. */
  record Value(double value) implements Answer {}

  /** The row is lost. */
  record Failed(Reason reason, String detail) implements Answer {}

  Set<Reason> OF_A_CALL = Set.of(Reason.THREW, Reason.TIMED_OUT, Reason.WRONG_COUNT);

  /** Whether the answers are the failure of a call as a whole. */
  static boolean isFailureOfCall(List<Answer> answers) {
    return answers.get(0) instanceof Failed failed && OF_A_CALL.contains(failed.reason());
  }

  /** The same failure for every row of a call. */
  static List<Answer> failed(int rows, Reason reason, String detail) {
    return Collections.nCopies(rows, new Failed(reason, detail));
  }

  /** What a call of so many rows gave. */
  static List<Answer> of(List<OptionalDouble> values, int rows) {
    if (values == null || values.size() != rows) {
      String got = values == null ? "null" : values.size() + " rewards";
      return failed(rows, Reason.WRONG_COUNT, got + " for " + rows + " rows");
    }
    List<Answer> answers = new ArrayList<>();
    values.forEach(value -> answers.add(of(value)));
    return answers;
  }

  private static Answer of(OptionalDouble value) {
    if (value == null) {
      return new Failed(Reason.NOT_A_NUMBER, "null");
    }
    double number = value.orElse(Double.NaN);
    return value.isEmpty() || Double.isFinite(number)
        ? new Value(number)
        : new Failed(Reason.NOT_A_NUMBER, Double.toString(number));
  }
}

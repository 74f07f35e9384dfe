package dev.collimate.reward;

import java.util.Locale;

/**
 * Why a completion has no reward.
 *
 * @param label of the reward that failed
 * @param detail the message of what it threw; may be empty
 */
public record RewardFailure(String label, Reason reason, String detail) {

  /** What can go wrong; metrics and journal have the names in lower case. */
  public enum Reason {
    /** The function threw. */
    THREW,
    /** A call took longer than the reward's timeout. */
    TIMED_OUT,
    /** NaN or infinity came back. */
    NOT_A_NUMBER,
    /** The function gave more or fewer rewards than there are rows, or null. */
    WRONG_COUNT,
    /** So many calls are stuck that no further one was made. */
    NOT_ASKED,
    /** No reward of the run applies to the row. */
    NONE_APPLIES;

    public String code() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}

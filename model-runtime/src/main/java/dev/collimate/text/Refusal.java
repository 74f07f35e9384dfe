package dev.collimate.text;

/** Ends the preparation of a row that cannot be used. The constants are the reason codes. */
final class Refusal extends Exception {

  /** A column that the shape needs is not there, or null. */
  static final String MISSING_COLUMN = "missing_column";

  /** A column holds another type than the shape needs. */
  static final String WRONG_TYPE = "wrong_type";

  /** Half a character: no text in the sense of Unicode. */
  static final String INVALID_TEXT = "invalid_text";

  /** A token id below 0 or beyond the vocabulary. */
  static final String INVALID_TOKEN = "invalid_token";

  /** A weight, margin or score that is no number, or a weight that is not positive. */
  static final String INVALID_NUMBER = "invalid_number";

  /** The chat template raised an exception, or failed, on this row. */
  static final String TEMPLATE_ERROR = "template_error";

  /** Neither rendering of the prompt begins the rendering of the whole conversation. */
  static final String TEMPLATE_MISMATCH = "template_mismatch";

  /** There is no token to train on. */
  static final String EMPTY_COMPLETION = "empty_completion";

  /** A prompt to complete has no tokens. */
  static final String EMPTY_PROMPT = "empty_prompt";

  /** Chosen and rejected are the same, and there is no prompt column. */
  static final String IDENTICAL_PAIR = "identical_pair";

  /** One side begins the other, and there is no place to split a prompt off. */
  static final String PREFIX_PAIR = "prefix_pair";

  /** A row brings another number of completions than a prompt is to have. */
  static final String COMPLETION_COUNT = "completion_count";

  /** A completion that a row brings has another number of log-probabilities than tokens. */
  static final String LOG_PROB_COUNT = "logprob_count";

  /** The cut at max_length left no token to train on. */
  static final String FULLY_TRUNCATED = "fully_truncated";

  /** A side is longer than max_length and the objective does not cut. */
  static final String TOO_LONG = "too_long";

  /** The completion's first characters merge with the prompt's last ones, and such rows go. */
  static final String BOUNDARY_MERGE = "boundary_merge";

  private final String reason;

  Refusal(String reason, String detail) {
    // No stack trace: a refusal is an outcome of a row, and there may be millions.
    super(detail, null, /* enableSuppression= */ false, /* writableStackTrace= */ false);
    this.reason = reason;
  }

  Prepared.Refused prepared() {
    return new Prepared.Refused(reason, getMessage());
  }
}

package dev.collimate.text;

/** What an objective wants from a row. */
public enum RowShape {
  /** Demonstrations: prompt and completion, messages, or text; one sequence {@code completion}. */
  DEMONSTRATION,
  /** Preferences: {@code chosen} and {@code rejected} after a prompt, cut where too long. */
  PREFERENCE,
  /** Preferences with a third completion to imitate, {@code reference}; a prompt must be there. */
  TRIPLE,
  /** Preferences for a reward model: whole texts, never cut. */
  REWARD,
  /**
   * Lists of answers for a reward model, never cut: the column {@code responses}, whose items are
   * read as columns {@code response_1} and so on; every list has as many as there are sequences.
   */
  RANKED,
  /** Rows that a reward model scores one by one: a whole text, the sequence {@code completion}. */
  SCORED,
  /** Judged completions: one sequence {@code completion} and the scalar {@code label}, 1 or 0. */
  UNPAIRED,
  /** Prompts to complete: one sequence {@code prompt} without counted tokens. */
  PROMPT
}

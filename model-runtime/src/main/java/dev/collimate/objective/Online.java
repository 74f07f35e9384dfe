package dev.collimate.objective;

import dev.collimate.text.Sequence;
import java.util.List;

/**
 * An objective that learns from completions of its own policy, which rewards judge. Its rows are
 * completions, or pairs of them, with the numbers that {@link #assess} gave.
 *
 * <p>The order of a rollout: sample; {@link #sequence} of every completion; where {@link #needs}
 * says so, one pass over them for the old log-probabilities, values and the reference's; {@link
 * #assess} all of them on the driver; then {@link #row} of every row of weight other than 0, in one
 * or several mini-batches.
 */
public interface Online extends Objective {

  /** The role of the completion's sequence, and of the reference's log-probabilities of it. */
  String COMPLETION = "completion";

  /**
   * The role of the old log-probabilities among {@link RowInputs#referenceTokens}: those of the
   * policy that a rollout's training began with. Where a row has none, the policy is that one.
   */
  String OLD = "old";

  /**
   * The role, beside {@link #OLD}, of the log-probabilities that another engine had which wrote the
   * completion.
   */
  String SAMPLER = "sampler";

  /**
   * The role of what the policy's loss of such a completion is multiplied by: one number for each
   * of its tokens, or one for all of them.
   */
  String CORRECTION = "correction";

  /**
   * What is read of a rollout beside its tokens.
   *
   * @param generations completions of a prompt that are judged together, its own answers included
   * @param old whether the old log-probabilities are read even where one optimizer step uses up the
   *     rollout
   * @param values whether the value head's values are read; then they are trained too
   * @param reference whether the reference's log-probabilities of the tokens are read
   */
  record Needs(int generations, boolean old, boolean values, boolean reference) {}

  Needs needs();

  /**
   * The share of the reference in a completion: 0, and the policy writes it; 1, and the reference
   * does; between, and it is drawn from the geometric mixture of both, which has this exponent on
   * the reference. Only the policy's own may be written by an objective that reads no reference.
   *
   * @param sample the completion's number among those of its prompt
   */
  default double referenceShare(int sample) {
    return 0;
  }

  /** Whether the loss compares the policy with the old one in a rollout's later steps. */
  default boolean comparesWithOld() {
    return true;
  }

  /** Whether the completions of a prompt make one row together, in the place of one each. */
  default boolean comparesCompletions() {
    return false;
  }

  /**
   * Roles of the row's own answers, which are judged and learned from with the completions, as the
   * last of a group.
   */
  default List<String> answers() {
    return List.of();
  }

  /** Whether {@link #CORRECTION} may differ from token to token. */
  default boolean hasTokenLosses() {
    return true;
  }

  /**
   * The tokens that a completion is trained on; a token counts where its log-probability or value
   * is read. A completion that is left out altogether has no token that counts.
   */
  Sequence sequence(Sampled sampled);

  /**
   * What the completions of a rollout are trained with. Called once, on the driver, before the
   * first gradient; all that couples completions beyond a step happens here.
   */
  Assessment assess(Judged rollout);
}

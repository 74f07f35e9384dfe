package dev.collimate.text;

import dev.collimate.CollimateException;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import dev.collimate.text.PreparerConfig.TruncationMode;
import java.util.Set;

/** Cuts the sides of a row to the lengths allowed, and refuses what the cut leaves nothing of. */
final class SideCutter {

  private final PreparerConfig config;
  private final Set<String> notes;

  SideCutter(PreparerConfig config, Set<String> notes) {
    this.config = config;
    this.notes = notes;
  }

  /** Checks a side and cuts it. */
  Sequence cut(String role, Encoded side) throws Refusal {
    if (side.isMerged()) {
      merged(role);
    }
    if (config.shape() == RowShape.REWARD && side.length() > config.maxLength()) {
      throw new Refusal(
          Refusal.TOO_LONG,
          "side '%s' has %d tokens, max_length is %d"
              .formatted(role, side.length(), config.maxLength()));
    }
    Encoded fitting = side.withPromptEnd(config.maxPromptLength());
    if (fitting.length() < side.length()) {
      notes.add("truncated_prompt");
    }
    boolean isCut = fitting.length() > config.maxLength();
    int kept = Math.min(fitting.length(), config.maxLength());
    int from = config.truncationMode() == TruncationMode.KEEP_END ? fitting.length() - kept : 0;
    Sequence sequence = fitting.sequence(from, from + kept);
    if (sequence.countedTokens() == 0 && config.shape() != RowShape.PROMPT) {
      throw isCut && fitting.hasCountedToken()
          ? new Refusal(
              Refusal.FULLY_TRUNCATED,
              "side '%s' has %d tokens, of which max_length (%d) leaves none to train on"
                  .formatted(role, fitting.length(), config.maxLength()))
          : new Refusal(
              Refusal.EMPTY_COMPLETION, "side '%s' has no token to train on".formatted(role));
    }
    if (isCut) {
      notes.add("truncated_" + role);
    }
    return sequence;
  }

  private void merged(String role) throws Refusal {
    String detail =
        "the first characters of side '%s' merge with the prompt's last ones into one token"
            .formatted(role);
    if (config.boundaryMerge() == BoundaryMerge.FAIL) {
      throw CollimateException.data(
          detail + "; with data.boundary_merge: keep they are tokenized apart");
    } else if (config.boundaryMerge() == BoundaryMerge.DROP) {
      throw new Refusal(Refusal.BOUNDARY_MERGE, detail);
    }
    notes.add("boundary_merge");
  }
}

package dev.collimate.text;

import dev.collimate.CollimateException;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Supplier;

/** Cuts the sides of a row to the lengths allowed, and refuses what the cut leaves nothing of. */
final class SideCutter {

  /** A reward model judges whole texts. */
  private static final Set<RowShape> NEVER_CUT =
      EnumSet.of(RowShape.REWARD, RowShape.RANKED, RowShape.SCORED, RowShape.PROMPT);

  private final PreparerConfig config;
  private final Set<String> notes;
  private final Supplier<String> row;

  /**
   * A cutter for the sides of one row.
   *
   * @param notes where what was done is added
   * @param row what the row is called in messages
   */
  SideCutter(PreparerConfig config, Set<String> notes, Supplier<String> row) {
    this.config = config;
    this.notes = notes;
    this.row = row;
  }

  /** Checks a side and cuts it. */
  Sequence cut(String role, Encoded side) throws Refusal {
    requireInVocabulary(role, side.prompt());
    requireInVocabulary(role, side.completion());
    if (side.isMerged()) {
      merged(role);
    }
    if (NEVER_CUT.contains(config.shape()) && side.length() > config.maxLength()) {
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
    Sequence sequence = config.cut(fitting);
    if (sequence.length() == 0 && isPromptAlone(role)) {
      throw new Refusal(Refusal.EMPTY_PROMPT, "side '%s' has no token".formatted(role));
    }
    if (sequence.countedTokens() == 0
        && config.shape() != RowShape.PROMPT
        && !isPromptAlone(role)) {
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

  private boolean isPromptAlone(String role) {
    return config.columns().sequences().stream()
        .anyMatch(sequence -> sequence.role().equals(role) && sequence.isPromptAlone());
  }

  /** A tokenizer with more tokens than the model has rows is found here, not in the model. */
  private void requireInVocabulary(String role, int[] ids) throws Refusal {
    for (int id : ids) {
      if (id >= config.vocabularySize()) {
        throw new Refusal(
            Refusal.INVALID_TOKEN,
            "side '%s' has the token id %d, the model has 0 to %d: tokenizer and config.json do not fit"
                .formatted(role, id, config.vocabularySize() - 1));
      }
    }
  }

  private void merged(String role) throws Refusal {
    String detail =
        "the first characters of side '%s' merge with the prompt's last ones into one token"
            .formatted(role);
    if (config.boundaryMerge() == BoundaryMerge.FAIL) {
      throw CollimateException.data(
          "%s: %s; with data.boundary_merge: keep they are tokenized apart"
              .formatted(row.get(), detail));
    } else if (config.boundaryMerge() == BoundaryMerge.DROP) {
      throw new Refusal(Refusal.BOUNDARY_MERGE, detail);
    }
    notes.add("boundary_merge");
  }
}

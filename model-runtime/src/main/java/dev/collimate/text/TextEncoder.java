package dev.collimate.text;

import dev.collimate.text.jinja.Rendering;
import dev.collimate.text.jinja.Rendering.Span;
import java.util.Arrays;
import java.util.List;

/** Turns the texts of a prompt and a completion into tokens. */
final class TextEncoder {

  private final Tokenizer tokenizer;
  private final PreparerConfig config;
  private final String eos;
  private final int specialTokensAfterText;

  TextEncoder(Tokenizer tokenizer, PreparerConfig config) {
    this.tokenizer = tokenizer;
    this.config = config;
    eos = tokenizer.specialToken("eos_token").map(SpecialToken::text).orElse("");
    specialTokensAfterText = tokenizer.specialTokensAfterText();
  }

  boolean hasEos() {
    return !eos.isEmpty();
  }

  boolean needsMarkers() {
    return config.assistantOnlyLoss();
  }

  /** A text that ends with the EOS token. */
  private String ended(String text) {
    return text.endsWith(eos) ? text : text + eos;
  }

  /**
   * The ids of a plain text, with the tokenizer's special tokens before it, not those after it: a
   * completion may follow, and where none does EOS is part of the text.
   */
  int[] plain(String text) {
    int[] ids = tokenizer.encodeWithSpecialTokens(text);
    return Arrays.copyOf(ids, ids.length - specialTokensAfterText);
  }

  /** The ids of a rendered conversation, which has its special tokens already. */
  int[] rendered(String text) {
    return tokenizer.encode(text);
  }

  /** A plain completion after its prompt, whose ids are given; EOS ends it. */
  Encoded afterPlain(String prompt, int[] promptIds, String completion) {
    String ended = ended(completion);
    int[] joint = plain(prompt + ended);
    return isPrefix(promptIds, joint)
        ? split(joint, promptIds)
        : Encoded.of(
            promptIds, tokenizer.encode(ended), !config.completionOnlyLoss(), /* isMerged= */ true);
  }

  /**
   * The tokens of a plain completion with the characters that they stand for in prompt and
   * completion together.
   *
   * @param side what {@link #afterPlain} gave
   */
  TokenSpans spans(Encoded side, String prompt, String completion) {
    String ended = ended(completion);
    TokenSpans all = tokenizer.encodeWithSpans(side.isMerged() ? ended : prompt + ended);
    int to = all.ids().length;
    int from = to - side.completion().length;
    int offset = side.isMerged() ? prompt.codePointCount(0, prompt.length()) : 0;
    return new TokenSpans(
        Arrays.copyOfRange(all.ids(), from, to),
        moved(all.starts(), from, to, offset),
        moved(all.ends(), from, to, offset));
  }

  private static int[] moved(int[] places, int from, int to, int offset) {
    return Arrays.stream(places, from, to).map(place -> place + offset).toArray();
  }

  private Encoded split(int[] joint, int[] promptIds) {
    int[] completion = Arrays.copyOfRange(joint, promptIds.length, joint.length);
    return Encoded.of(promptIds, completion, !config.completionOnlyLoss(), /* isMerged= */ false);
  }

  /** The ids of a completion that another engine wrote after its prompt; EOS ends an ended one. */
  int[] completion(String text, boolean ended) {
    return tokenizer.encode(ended ? ended(text) : text);
  }

  /** A plain text without a prompt; EOS ends it. */
  Encoded whole(String text) {
    return Encoded.of(new int[0], plain(ended(text)), /* countsPrompt= */ true, false);
  }

  /** A rendered conversation without a prompt. */
  Encoded whole(Rendering conversation) {
    return afterRendered("", new int[0], conversation);
  }

  /**
   * What a rendered conversation has after its prompt's rendering, which must begin it.
   *
   * @param promptIds the ids of {@code prompt}
   */
  Encoded afterRendered(String prompt, int[] promptIds, Rendering conversation) {
    String text = conversation.text();
    if (config.assistantOnlyLoss()) {
      return marked(prompt, promptIds, conversation);
    }
    int[] joint = tokenizer.encode(text);
    return isPrefix(promptIds, joint)
        ? split(joint, promptIds)
        : Encoded.of(
            promptIds,
            tokenizer.encode(text.substring(prompt.length())),
            !config.completionOnlyLoss(),
            /* isMerged= */ true);
  }

  /** The same where only the tokens inside generation markers count. */
  private Encoded marked(String prompt, int[] promptIds, Rendering conversation) {
    String text = conversation.text();
    TokenSpans joint = tokenizer.encodeWithSpans(text);
    if (isPrefix(promptIds, joint.ids())) {
      Encoded split = split(joint.ids(), promptIds);
      mark(split.counts(), 0, joint, 0, conversation.generated());
      return split;
    }
    TokenSpans before = tokenizer.encodeWithSpans(prompt);
    TokenSpans after = tokenizer.encodeWithSpans(text.substring(prompt.length()));
    Encoded merged =
        Encoded.of(promptIds, after.ids(), !config.completionOnlyLoss(), /* isMerged= */ true);
    int offset = prompt.codePointCount(0, prompt.length());
    mark(merged.counts(), 0, before, 0, conversation.generated());
    mark(merged.counts(), promptIds.length, after, offset, conversation.generated());
    return merged;
  }

  /** Leaves counted, of the tokens from a position on, those that share a character with a span. */
  private static void mark(
      byte[] counts, int from, TokenSpans tokens, int offset, List<Span> generated) {
    for (int i = 0; i < tokens.ids().length; i++) {
      int start = tokens.starts()[i] + offset;
      int end = tokens.ends()[i] + offset;
      boolean isGenerated =
          generated.stream().anyMatch(span -> start < span.end() && end > span.start());
      if (!isGenerated) {
        counts[from + i] = 0;
      }
    }
  }

  private static boolean isPrefix(int[] prefix, int[] ids) {
    return prefix.length <= ids.length
        && Arrays.equals(prefix, 0, prefix.length, ids, 0, prefix.length);
  }
}

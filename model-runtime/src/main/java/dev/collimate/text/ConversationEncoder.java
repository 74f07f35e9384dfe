package dev.collimate.text;

import dev.collimate.text.ChatTemplate.Ending;
import dev.collimate.text.jinja.Rendering;
import dev.collimate.text.jinja.TemplateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Renders one row's conversations and turns them into tokens. */
final class ConversationEncoder {

  private final ChatTemplate template;
  private final TextEncoder encoder;
  private final ChatTemplate.Context context;
  private final Set<String> notes;

  /**
   * An encoder for one row.
   *
   * @param notes where {@code template_time} is added when a template asks for the time
   */
  ConversationEncoder(
      ChatTemplate template, TextEncoder encoder, ChatTemplate.Context context, Set<String> notes) {
    this.template = template;
    this.encoder = encoder;
    this.context = context;
    this.notes = notes;
  }

  /** A conversation without a prompt. */
  Encoded whole(List<Map<String, Object>> messages) throws Refusal {
    return encoder.whole(render(messages, Ending.WHOLE));
  }

  /** The ids of a prompt with the start of an answer. */
  int[] prompt(List<Map<String, Object>> messages) throws Refusal {
    return encoder.rendered(render(messages, Ending.GENERATION_PROMPT).text());
  }

  /** Completions after one prompt, in order. */
  List<Encoded> afterPrompt(
      List<Map<String, Object>> prompt, List<List<Map<String, Object>>> completions)
      throws Refusal {
    List<String> promptTexts = promptTexts(prompt);
    List<Encoded> encoded = new ArrayList<>(completions.size());
    String lastText = null;
    int[] lastIds = null;
    for (List<Map<String, Object>> completion : completions) {
      List<Map<String, Object>> messages = new ArrayList<>(prompt);
      messages.addAll(completion);
      Rendering whole = render(messages, Ending.WHOLE);
      String promptText = longestStart(promptTexts, whole.text());
      if (!promptText.equals(lastText)) {
        lastText = promptText;
        lastIds = encoder.rendered(promptText);
      }
      encoded.add(encoder.afterRendered(promptText, lastIds, whole));
    }
    return encoded;
  }

  /** The renderings of the prompt, with and without the start of an answer. */
  private List<String> promptTexts(List<Map<String, Object>> prompt) throws Refusal {
    List<String> texts = new ArrayList<>(2);
    Refusal failure = null;
    for (Ending ending : Ending.values()) {
      try {
        texts.add(render(prompt, ending).text());
      } catch (Refusal e) {
        // A template may insist on a user's turn at the end; the other rendering may do.
        failure = e;
      }
    }
    if (prompt.isEmpty()) {
      texts.add("");
    } else if (texts.isEmpty()) {
      throw failure;
    }
    return texts;
  }

  private static String longestStart(List<String> starts, String text) throws Refusal {
    String longest = null;
    for (String start : starts) {
      if (text.startsWith(start) && (longest == null || start.length() > longest.length())) {
        longest = start;
      }
    }
    if (longest == null) {
      throw new Refusal(
          Refusal.TEMPLATE_MISMATCH,
          "the chat template renders the prompt otherwise when the completion follows, so there is no place to split");
    }
    return longest;
  }

  private Rendering render(List<Map<String, Object>> messages, Ending ending) throws Refusal {
    Rendering rendering;
    try {
      rendering = template.render(messages, ending, context);
    } catch (TemplateException e) {
      throw new Refusal(
          Refusal.TEMPLATE_ERROR,
          e.isRaisedByTemplate()
              ? "the chat template refuses the conversation: " + e.getMessage()
              : "the chat template fails on the conversation, " + e.getMessage());
    }
    int lone = Tokenizer.loneSurrogate(rendering.text());
    if (lone >= 0) {
      throw new Refusal(
          Refusal.INVALID_TEXT,
          "the conversation has half a character (lone surrogate) at position %d of its rendering"
              .formatted(lone));
    }
    if (rendering.hasHiddenMarkers() && encoder.needsMarkers()) {
      throw new Refusal(
          Refusal.TEMPLATE_ERROR,
          "the chat template has generation markers inside a macro, set or call block, where their place is not known");
    }
    if (rendering.isTimeDependent()) {
      notes.add("template_time");
    }
    return rendering;
  }
}

package dev.collimate.text;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The tokens of a row's further sequences. */
final class FurtherPreparation {

  private final RowReader row;
  private final PreparerConfig config;
  private final Encoders encoders;

  /** Text and conversations to tokens; where a row needs what is not there, they refuse it. */
  interface Encoders {
    TextEncoder texts();

    ConversationEncoder conversations() throws Refusal;
  }

  FurtherPreparation(RowReader row, PreparerConfig config, Encoders encoders) {
    this.row = row;
    this.config = config;
    this.encoders = encoders;
  }

  Encoded of(FurtherSequence sequence) throws Refusal {
    if (sequence.isPromptAlone()) {
      int[] ids = promptAlone(sequence);
      return new Encoded(ids, new int[0], new byte[ids.length], /* isMerged= */ false);
    }
    if (row.has(sequence.completionIds())) {
      return Encoded.of(
          row.ids(sequence.promptIds(), config.vocabularySize()),
          row.ids(sequence.completionIds(), config.vocabularySize()),
          !config.completionOnlyLoss(),
          /* isMerged= */ false);
    }
    if (sequence.promptColumns().stream().anyMatch(row::isConversation)) {
      List<Map<String, Object>> prompt =
          sequence.isColumn()
              ? row.conversation(sequence.promptColumns().get(0))
              : List.of(message("user", sequence.filled(this::text)));
      return encoders
          .conversations()
          .afterPrompt(prompt, List.of(answer(sequence.completion())))
          .get(0);
    }
    String prompt = sequence.filled(this::text);
    String completion = text(sequence.completion());
    TextEncoder texts = encoders.texts();
    return texts.afterPlain(prompt, texts.plain(prompt), completion);
  }

  private int[] promptAlone(FurtherSequence sequence) throws Refusal {
    if (row.has(sequence.promptIds())) {
      return row.ids(sequence.promptIds(), config.vocabularySize());
    }
    return sequence.isColumn() && row.isConversation(sequence.promptColumns().get(0))
        ? encoders.conversations().prompt(row.conversation(sequence.promptColumns().get(0)))
        : encoders.texts().plain(sequence.filled(this::text));
  }

  private List<Map<String, Object>> answer(String column) throws Refusal {
    return row.isConversation(column)
        ? row.conversation(column)
        : List.of(message("assistant", row.text(column)));
  }

  private static Map<String, Object> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }

  /** A column as text: one message as its content, several with their roles. */
  private String text(String column) throws Refusal {
    if (!row.isConversation(column)) {
      return row.text(column);
    }
    List<Map<String, Object>> messages = row.conversation(column);
    for (Map<String, Object> message : messages) {
      if (!(message.get("content") instanceof String)) {
        throw new Refusal(
            Refusal.WRONG_TYPE,
            "column '%s' has a message whose content is no string, which another sequence's prompt needs"
                .formatted(column));
      }
    }
    if (messages.size() == 1) {
      return (String) messages.get(0).get("content");
    }
    return messages.stream()
        .map(message -> message.get("role") + ": " + message.get("content"))
        .collect(Collectors.joining("\n\n"));
  }
}

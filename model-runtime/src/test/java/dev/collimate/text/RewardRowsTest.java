package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of reward models: tokenized lists, contexts before text. */
class RewardRowsTest {

  @TempDir private Path directory;

  private static final RowColumns LISTS =
      RowColumns.NONE.withSequences(
          new FurtherSequence("response_1", "{prompt}", "response_1"),
          new FurtherSequence("response_2", "{prompt}", "response_2"));

  @BeforeEach
  void writeTheByteLevelTokenizer() throws IOException {
    ByteLevelTokenizer.write(new LocalFolderSink(directory));
  }

  private static Prepared prepare(RowShape shape, RowColumns columns, Map<String, ?> row) {
    PreparerConfig config = PreparerConfig.defaults(shape, LocalDateTime.MIN).withColumns(columns);
    return new ExamplePreparer(Optional.empty(), config).prepare(row);
  }

  @Test
  void everyItemOfAListIsASequenceAfterThePrompt() {
    Map<String, Object> row =
        Map.of(
            "prompt_input_ids", List.of(1, 2),
            "responses_input_ids", List.of(List.of(3), List.of(4, 5)));
    Prepared.Ready ready = (Prepared.Ready) prepare(RowShape.RANKED, LISTS, row);
    assertThat(ready.example().sequences().get("response_1").ids()).containsExactly(1, 2, 3);
    assertThat(ready.example().sequences().get("response_2").ids()).containsExactly(1, 2, 4, 5);
  }

  @Test
  void aListOfAnotherLengthIsRefused() {
    Prepared.Refused refused =
        (Prepared.Refused)
            prepare(
                RowShape.RANKED, LISTS, Map.of("prompt", "p", "responses", List.of("a", "b", "c")));
    assertThat(refused.reason()).isEqualTo(Refusal.WRONG_TYPE);
    assertThat(refused.detail())
        .isEqualTo(
            "column 'responses' holds 3 items, a list of 2 is expected (objective.list_size)");
  }

  @Test
  void textsAreTokenizedAfterTheirPrompt() throws IOException {
    Map<String, Object> row = Map.of("prompt", "p ", "responses", List.of("first", "second"));
    assertThat(text(RowShape.RANKED, LISTS, row, "response_2")).isEqualTo("p second<eos>");
  }

  @Test
  void aContextStandsBeforeThePromptOfTheRowsThatHaveOne() throws IOException {
    RowColumns columns = RowColumns.NONE.withContext("context");
    Map<String, Object> row =
        Map.of("prompt", "p ", "chosen", "a", "rejected", "b", "context", "be brief");
    assertThat(text(RowShape.REWARD, columns, row, "rejected")).isEqualTo("be brief\n\np b<eos>");
    assertThat(text(RowShape.REWARD, RowColumns.NONE, row, "rejected")).isEqualTo("p b<eos>");
    Map<String, Object> without = Map.of("prompt", "p ", "chosen", "a", "rejected", "b");
    assertThat(text(RowShape.REWARD, columns, without, "rejected")).isEqualTo("p b<eos>");
  }

  @Test
  void aContextIsTheSystemMessageOfAConversation() throws IOException {
    RowColumns columns = RowColumns.NONE.withContext("context");
    Map<String, Object> row =
        Map.of(
            "prompt", List.of(message("user", "p")),
            "chosen", List.of(message("assistant", "a")),
            "rejected", List.of(message("assistant", "b")),
            "context", "be brief");
    assertThat(text(RowShape.REWARD, columns, row, "chosen"))
        .isEqualTo("<system>be brief<user>p<assistant>a");
    Map<String, Object> own = new HashMap<>(row);
    own.put("prompt", List.of(message("system", "s"), message("user", "p")));
    assertThat(text(RowShape.REWARD, columns, own, "chosen"))
        .isEqualTo("<system>be brief\n\ns<user>p<assistant>a");
  }

  @Test
  void aPromptAloneIsASequence() throws IOException {
    RowColumns columns =
        RowColumns.NONE.withSequences(new FurtherSequence("prompt", "{prompt}", ""));
    Map<String, Object> row = Map.of("prompt", "p", "chosen", "a", "rejected", "b");
    assertThat(text(RowShape.REWARD, columns, row, "prompt")).isEqualTo("p");
  }

  private static Map<String, Object> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }

  private String text(RowShape shape, RowColumns columns, Map<String, ?> row, String role)
      throws IOException {
    try (Tokenizer tokenizer = Tokenizer.load(LocalFolder.existing(directory))) {
      PreparerConfig config =
          PreparerConfig.defaults(shape, LocalDateTime.MIN).withColumns(columns);
      ChatTemplate template =
          ChatTemplate.parse(
              "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", Map.of());
      Prepared prepared = new ExamplePreparer(tokenizer, template, config).prepare(row);
      int[] ids = ((Prepared.Ready) prepared).example().sequences().get(role).ids();
      int last = ids[ids.length - 1];
      boolean hasEos = last == tokenizer.eosId().orElseThrow();
      return tokenizer.decodeSkippingSpecialTokens(ids) + (hasEos ? "<eos>" : "");
    }
  }

  @Test
  void aContextCannotStandBeforeTokens() {
    Map<String, Object> row =
        Map.of(
            "context", "be brief",
            "chosen_input_ids", List.of(1, 2),
            "rejected_input_ids", List.of(3, 4));
    Prepared.Refused refused =
        (Prepared.Refused) prepare(RowShape.REWARD, RowColumns.NONE.withContext("context"), row);
    assertThat(refused.detail())
        .isEqualTo("column 'context' cannot stand before token ids; tokenize it with the prompt");
  }
}

package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sequences beside the sides of a pair; the tokenizer has one token per byte, and EOS. */
class FurtherSequenceTest {

  private static final LocalDateTime NOW = LocalDateTime.parse("2025-01-15T12:00:00");

  private static final RowColumns REASON =
      RowColumns.NONE.withSequences(
          new FurtherSequence("rationale", "{prompt}? {chosen} > {rejected}:", "rationale"));

  private static final RowColumns OTHER_PROMPT =
      RowColumns.NONE.withSequences(
          new FurtherSequence("violating", "{prompt_violating}", "chosen"));

  @RegisterExtension static final ByteLevel BYTES = new ByteLevel();

  private static Prepared prepare(RowColumns columns, Map<String, ?> row) {
    PreparerConfig config = PreparerConfig.defaults(RowShape.PREFERENCE, NOW).withColumns(columns);
    ChatTemplate template = ChatTemplate.parse(TEMPLATE, Map.of());
    return new ExamplePreparer(BYTES.tokenizer(), template, config).prepare(row);
  }

  private static final String TEMPLATE =
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

  private static Sequence sequence(RowColumns columns, Map<String, ?> row, String role) {
    return ((Prepared.Ready) prepare(columns, row)).example().sequences().get(role);
  }

  private static String text(int[] ids) {
    return BYTES.tokenizer().decode(ids);
  }

  private static String promptOf(Sequence sequence) {
    return text(Arrays.copyOf(sequence.ids(), sequence.promptLength()));
  }

  private static String completionOf(Sequence sequence) {
    return text(Arrays.copyOfRange(sequence.ids(), sequence.promptLength(), sequence.ids().length));
  }

  private static Map<String, Object> pair(Map<String, ?> more) {
    Map<String, Object> row = new HashMap<>(Map.of("prompt", "p", "chosen", "a", "rejected", "b"));
    row.putAll(more);
    return row;
  }

  private static List<Map<String, Object>> says(String role, String content) {
    return List.of(Map.of("role", role, "content", content));
  }

  @Test
  void aPromptIsBuiltFromColumnsAndTheCompletionEndsLikeASide() {
    Map<String, Object> row = pair(Map.of("rationale", "a is right"));

    Sequence reason = sequence(REASON, row, "rationale");

    assertThat(promptOf(reason)).isEqualTo("p? a > b:");
    assertThat(completionOf(reason)).startsWith("a is right");
    assertThat(reason.countedTokens()).isEqualTo("a is right".length() + 1);
    assertThat(sequence(REASON, row, "chosen").ids())
        .isEqualTo(sequence(RowColumns.NONE, row, "chosen").ids());
  }

  @Test
  void aCompletionOfAPairMayFollowAnotherPrompt() {
    Map<String, Object> row = pair(Map.of("prompt_violating", "other"));

    Sequence chosen = sequence(OTHER_PROMPT, row, "chosen");
    Sequence violating = sequence(OTHER_PROMPT, row, "violating");

    assertThat(promptOf(violating)).isEqualTo("other");
    assertThat(completionOf(violating)).isEqualTo(completionOf(chosen));
  }

  @Test
  void inConversationsATemplateIsAUsersMessageAndATextAnAnswer() {
    Map<String, Object> row =
        Map.of(
            "prompt", says("user", "p"),
            "chosen", says("assistant", "a"),
            "rejected", says("assistant", "b"),
            "rationale", "a is right");

    Sequence reason = sequence(REASON, row, "rationale");

    assertThat(promptOf(reason)).isEqualTo("<user>p? a > b:<assistant>");
    assertThat(completionOf(reason)).isEqualTo("a is right");
  }

  @Test
  void aColumnThatIsAllOfAPromptStaysAConversation() {
    Map<String, Object> row =
        Map.of(
            "prompt", says("user", "p"),
            "prompt_violating", says("user", "other"),
            "chosen", says("assistant", "a"),
            "rejected", says("assistant", "b"));

    Sequence violating = sequence(OTHER_PROMPT, row, "violating");

    assertThat(promptOf(violating)).isEqualTo("<user>other<assistant>");
    assertThat(completionOf(violating)).isEqualTo("a");
  }

  @Test
  void tokenizedRowsGiveItsIds() {
    Map<String, Object> row =
        Map.of(
            "prompt_input_ids", List.of(1),
            "prompt_violating_input_ids", List.of(4, 5),
            "chosen_input_ids", List.of(2),
            "rejected_input_ids", List.of(3));

    assertThat(sequence(OTHER_PROMPT, row, "violating").ids()).containsExactly(4, 5, 2);
  }

  @Test
  void aRowWithoutItsColumnsIsRefusedByName() {
    assertThat(prepare(OTHER_PROMPT, pair(Map.of())))
        .isEqualTo(
            new Prepared.Refused(
                "missing_column",
                "column 'prompt_violating' is missing or null; the row has 'chosen', 'prompt', 'rejected'"));
    assertThat(prepare(REASON, pair(Map.of())))
        .isEqualTo(
            new Prepared.Refused(
                "missing_column",
                "column 'rationale' is missing or null; the row has 'chosen', 'prompt', 'rejected'"));
  }

  @Test
  void itsColumnsEnterTheKey() {
    Prepared.Ready one = (Prepared.Ready) prepare(REASON, pair(Map.of("rationale", "x")));
    Prepared.Ready other = (Prepared.Ready) prepare(REASON, pair(Map.of("rationale", "y")));

    assertThat(one.example().key()).isNotEqualTo(other.example().key());
  }
}

package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import dev.collimate.text.PreparerConfig.TruncationMode;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows become examples; the tokenizer has one token per byte, so texts can be counted. */
class ExamplePreparerTest {

  private static final LocalDateTime NOW = LocalDateTime.parse("2025-01-15T12:00:00");

  @RegisterExtension static final ByteLevel BYTES = new ByteLevel();

  private static PreparerConfig config(RowShape shape) {
    return PreparerConfig.defaults(shape, NOW);
  }

  private static PreparerConfig cut(RowShape shape, int maxLength, TruncationMode mode) {
    PreparerConfig c = config(shape);
    return new PreparerConfig(
        shape, maxLength, mode, c.maxPromptLength(), c.boundaryMerge(), true, false, 259, NOW);
  }

  private static Prepared prepare(PreparerConfig config, Map<String, ?> row) {
    return new ExamplePreparer(Optional.of(BYTES.tokenizer()), config).prepare(row);
  }

  private static Prepared.Ready ready(PreparerConfig config, Map<String, ?> row) {
    assertThat(prepare(config, row)).isInstanceOf(Prepared.Ready.class);
    return (Prepared.Ready) prepare(config, row);
  }

  private static Sequence sequence(PreparerConfig config, Map<String, ?> row, String role) {
    return ready(config, row).example().sequences().get(role);
  }

  private static void refused(Prepared prepared, String reason, String detail) {
    assertThat(prepared)
        .isInstanceOfSatisfying(
            Prepared.Refused.class,
            refused -> {
              assertThat(refused.reason()).isEqualTo(reason);
              assertThat(refused.detail()).contains(detail);
            });
  }

  /** The text of the tokens that count. */
  private static String counted(Sequence sequence) {
    return BYTES
        .tokenizer()
        .decode(
            IntStream.range(0, sequence.length())
                .filter(i -> sequence.lossMask()[i] == 1)
                .map(i -> sequence.ids()[i])
                .toArray());
  }

  private static String prompt(Sequence sequence) {
    return BYTES.tokenizer().decode(Arrays.copyOf(sequence.ids(), sequence.promptLength()));
  }

  private static List<Map<String, String>> chat(String... turns) {
    return IntStream.range(0, turns.length)
        .mapToObj(i -> Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", turns[i]))
        .toList();
  }

  private static Map<String, Object> answer(String text) {
    return Map.of("role", "assistant", "content", text);
  }

  @Test
  void aPairHasItsPromptOnBothSidesAndEndsInEos() {
    Map<String, String> row = Map.of("prompt", "2+2=", "chosen", "4", "rejected", "five");
    Sequence chosen = sequence(config(RowShape.PREFERENCE), row, "chosen");
    Sequence rejected = sequence(config(RowShape.PREFERENCE), row, "rejected");
    assertThat(BYTES.tokenizer().decode(chosen.ids())).isEqualTo("2+2=4<eos>");
    assertThat(prompt(chosen)).isEqualTo("2+2=");
    assertThat(counted(chosen)).isEqualTo("4<eos>");
    assertThat(counted(rejected)).isEqualTo("five<eos>");
  }

  @Test
  void eosIsNotAppendedTwice() {
    Map<String, String> row = Map.of("prompt", "a", "completion", "b<eos>");
    assertThat(counted(sequence(config(RowShape.DEMONSTRATION), row, "completion")))
        .isEqualTo("b<eos>");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "The sky is blue|The sky is green|The sky is",
        "good|great|g",
        "yes|no|\"\"",
        "a b|a b c|a",
        "a b c|a b|a",
        "\"a b \"|a b c|a b",
        "😀x|😁x|\"\"",
      })
  void theImplicitPromptIsWhatBothSidesBeginWith(String chosen, String rejected, String prompt) {
    Map<String, String> row = Map.of("chosen", chosen, "rejected", rejected);
    Sequence sequence = sequence(config(RowShape.PREFERENCE), row, "chosen");
    assertThat(prompt(sequence)).isEqualTo(prompt);
    assertThat(BYTES.tokenizer().decode(sequence.ids())).isEqualTo(chosen + "<eos>");
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "null",
      value = {
        "same, same, identical_pair",
        "a, ab, prefix_pair",
        "'', ab, prefix_pair",
        "null, ab, missing_column",
      })
  void pairsThatCannotBeSplitAreRefused(String chosen, String rejected, String reason) {
    Map<String, String> row = new HashMap<>();
    row.put("chosen", chosen);
    row.put("rejected", rejected);
    refused(prepare(config(RowShape.PREFERENCE), row), reason, "");
  }

  @Test
  void identicalSidesAfterAPromptAreUsedAndCounted() {
    Map<String, String> row = Map.of("prompt", "p", "chosen", "same", "rejected", "same");
    assertThat(ready(config(RowShape.PREFERENCE), row).notes()).contains("identical_sides");
  }

  @Test
  void theImplicitPromptOfConversationsIsTheMessagesInCommon() {
    Map<String, Object> row =
        Map.of("chosen", chat("q", "yes", "and?", "no"), "rejected", chat("q", "yes"));
    Sequence rejected = sequence(config(RowShape.PREFERENCE), row, "rejected");
    assertThat(prompt(rejected)).isEqualTo("user: q\nassistant: ");
    assertThat(counted(rejected)).isEqualTo("yes<eos>\n");
  }

  @Test
  void messagesAreRenderedAndAllTokensCountButTheFirst() {
    Map<String, Object> row = Map.of("messages", chat("hi", "yo"));
    assertThat(counted(sequence(config(RowShape.DEMONSTRATION), row, "completion")))
        .isEqualTo("ser: hi\nassistant: yo<eos>\n");
  }

  @Test
  void assistantOnlyLossCountsWhatStandsBetweenTheMarkers() {
    PreparerConfig config =
        new PreparerConfig(
            RowShape.DEMONSTRATION,
            1024,
            TruncationMode.KEEP_START,
            PreparerConfig.UNLIMITED,
            BoundaryMerge.KEEP,
            true,
            true,
            259,
            NOW);
    Map<String, Object> row = Map.of("messages", chat("hi", "yo 😀", "so?", "é"));
    assertThat(counted(sequence(config, row, "completion"))).isEqualTo("yo 😀<eos>é<eos>");
    refused(
        prepare(config, Map.of("messages", chat("hi"))),
        "empty_completion",
        "no token to train on");
    refused(
        prepare(config, Map.of("text", "plain")),
        "wrong_type",
        "column 'text' is no conversation, which assistant_only_loss needs");
  }

  @Test
  void assistantOnlyLossNeedsMarkersInTheTemplate() {
    PreparerConfig config =
        new PreparerConfig(
            RowShape.DEMONSTRATION,
            1024,
            TruncationMode.KEEP_START,
            PreparerConfig.UNLIMITED,
            BoundaryMerge.KEEP,
            true,
            true,
            259,
            NOW);
    ChatTemplate unmarked = ChatTemplate.parse("{{ messages[0].content }}", Map.of());
    assertThatThrownBy(() -> new ExamplePreparer(BYTES.tokenizer(), unmarked, config))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(
            "objective.assistant_only_loss: needs a chat template with {% generation %} markers");
  }

  @Test
  void aConversationIsSplitAfterTheLongerRenderingThatBeginsIt() {
    ChatTemplate thinking =
        ChatTemplate.parse(
            "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]<think>{% endif %}",
            Map.of());
    Map<String, Object> row =
        Map.of("prompt", chat("q"), "completion", List.of(answer("because <think>")));
    ExamplePreparer preparer =
        new ExamplePreparer(BYTES.tokenizer(), thinking, config(RowShape.DEMONSTRATION));
    Prepared.Ready ready = (Prepared.Ready) preparer.prepare(row);
    Sequence sequence = ready.example().sequences().get("completion");
    assertThat(prompt(sequence)).isEqualTo("[user]q");
    assertThat(counted(sequence)).isEqualTo("[assistant]because <think>");
    assertThat(ready.notes()).isEmpty();
  }

  @Test
  void aTemplateThatRendersThePromptOtherwiseLaterIsAMismatch() {
    ChatTemplate counting =
        ChatTemplate.parse("{{ messages|length }}{{ messages[0].content }}", Map.of());
    Map<String, Object> row = Map.of("prompt", chat("q"), "completion", List.of(answer("a")));
    refused(
        new ExamplePreparer(BYTES.tokenizer(), counting, config(RowShape.DEMONSTRATION))
            .prepare(row),
        "template_mismatch",
        "there is no place to split");
  }

  @Test
  void aTemplatesOwnRefusalIsTheRowsReason() {
    ChatTemplate strict =
        ChatTemplate.parse(
            "{% if messages[0].role != 'user' %}{{ raise_exception('User first!') }}{% endif %}x",
            Map.of());
    Map<String, Object> row = Map.of("messages", List.of(answer("a")));
    refused(
        new ExamplePreparer(BYTES.tokenizer(), strict, config(RowShape.DEMONSTRATION)).prepare(row),
        "template_error",
        "the chat template refuses the conversation: User first!");
  }

  @Test
  void toolsAndOptionsReachTheTemplateAlsoAsJson() {
    ChatTemplate template =
        ChatTemplate.parse("{{ tools[0].name }} {{ mode }} {{ messages[0] }}|", Map.of());
    Map<String, Object> message = new HashMap<>(answer("a"));
    message.put("tool_calls", null);
    Map<String, Object> row =
        Map.of(
            "messages",
            List.of(message),
            "tools",
            "[{\"name\": \"add\"}]",
            "chat_template_kwargs",
            Map.of("mode", "fast"));
    ExamplePreparer preparer =
        new ExamplePreparer(BYTES.tokenizer(), template, config(RowShape.DEMONSTRATION));
    Prepared.Ready ready = (Prepared.Ready) preparer.prepare(row);
    assertThat(BYTES.tokenizer().decode(ready.example().sequences().get("completion").ids()))
        .startsWith("add fast {")
        .contains("'content': 'a'")
        .doesNotContain("tool_calls");
  }

  @Test
  void whatHangsOnTheClockIsNoted() {
    ChatTemplate dated = ChatTemplate.parse("{{ strftime_now('%Y') }}", Map.of());
    ExamplePreparer preparer =
        new ExamplePreparer(BYTES.tokenizer(), dated, config(RowShape.DEMONSTRATION));
    Prepared.Ready ready = (Prepared.Ready) preparer.prepare(Map.of("messages", chat("q")));
    assertThat(ready.notes()).containsExactly("template_time");
    assertThat(BYTES.tokenizer().decode(ready.example().sequences().get("completion").ids()))
        .isEqualTo("2025");
  }

  @Test
  void tooLongSidesAreCutAndNoted() {
    Map<String, String> row = Map.of("prompt", "1234", "chosen", "56789", "rejected", "5");
    Prepared.Ready start = ready(cut(RowShape.PREFERENCE, 6, TruncationMode.KEEP_START), row);
    assertThat(counted(start.example().sequences().get("chosen"))).isEqualTo("56");
    assertThat(counted(start.example().sequences().get("rejected"))).isEqualTo("5<eos>");
    assertThat(start.notes()).containsExactly("truncated_chosen");
    Sequence end = sequence(cut(RowShape.PREFERENCE, 7, TruncationMode.KEEP_END), row, "chosen");
    assertThat(BYTES.tokenizer().decode(end.ids())).isEqualTo("456789<eos>");
    assertThat(end.promptLength()).isEqualTo(1);
  }

  @Test
  void aSideThatTheCutLeavesNothingOfIsFullyTruncated() {
    Map<String, String> row = Map.of("prompt", "1234", "chosen", "5", "rejected", "6");
    refused(
        prepare(cut(RowShape.PREFERENCE, 4, TruncationMode.KEEP_START), row),
        "fully_truncated",
        "side 'chosen' has 6 tokens, of which max_length (4) leaves none to train on");
  }

  @Test
  void rewardRowsAreWholeTextsAndNeverCut() {
    Map<String, String> row = Map.of("prompt", "1234", "chosen", "56789", "rejected", "5");
    refused(
        prepare(cut(RowShape.REWARD, 9, TruncationMode.KEEP_START), row),
        "too_long",
        "side 'chosen' has 10 tokens, max_length is 9");
    Sequence chosen = sequence(config(RowShape.REWARD), row, "chosen");
    assertThat(BYTES.tokenizer().decode(chosen.ids())).isEqualTo("123456789<eos>");
    assertThat(sequence(config(RowShape.REWARD), Map.of("chosen", "a", "rejected", "a"), "chosen"))
        .satisfies(same -> assertThat(same.length()).isEqualTo(2));
  }

  @Test
  void maxPromptLengthKeepsThePromptsEnd() {
    PreparerConfig config =
        new PreparerConfig(
            RowShape.PREFERENCE,
            10,
            TruncationMode.KEEP_START,
            2,
            BoundaryMerge.KEEP,
            true,
            false,
            259,
            NOW);
    Map<String, String> row = Map.of("prompt", "1234", "chosen", "5", "rejected", "6");
    Prepared.Ready ready = ready(config, row);
    assertThat(BYTES.tokenizer().decode(ready.example().sequences().get("chosen").ids()))
        .isEqualTo("345<eos>");
    assertThat(ready.notes()).containsExactly("truncated_prompt");
  }

  @Test
  void tokenizedRowsNeedNoTokenizerAndGetNoEos() {
    Map<String, Object> row =
        Map.of(
            "prompt_input_ids", new int[] {5, 6},
            "chosen_input_ids", List.of(7L, 8L),
            "rejected_input_ids", List.of(9));
    ExamplePreparer preparer =
        new ExamplePreparer(
            Optional.empty(), cut(RowShape.PREFERENCE, 1024, TruncationMode.KEEP_START));
    Map<String, Sequence> sequences =
        ((Prepared.Ready) preparer.prepare(row)).example().sequences();
    assertThat(sequences.get("chosen").ids()).containsExactly(5, 6, 7, 8);
    assertThat(sequences.get("chosen").lossMask()).containsExactly(0, 0, 1, 1);
    assertThat(sequences.get("rejected").ids()).containsExactly(5, 6, 9);
    Map<String, Object> outside = new HashMap<>(row);
    outside.put("chosen_input_ids", List.of(259));
    refused(
        preparer.prepare(outside),
        "invalid_token",
        "column 'chosen_input_ids' has the token id 259, the vocabulary has 0 to 258");
    outside.put("chosen_input_ids", List.of(1.5));
    refused(preparer.prepare(outside), "invalid_token", "has the item 1.5, integers are expected");
    outside.put("chosen_input_ids", List.of());
    refused(preparer.prepare(outside), "empty_completion", "side 'chosen'");
  }

  @Test
  void textWithoutATokenizerEndsTheRun() {
    ExamplePreparer preparer = new ExamplePreparer(Optional.empty(), config(RowShape.PREFERENCE));
    assertThatThrownBy(
            () -> preparer.prepare(Map.of("prompt", "a", "chosen", "b", "rejected", "c")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("the rows are text but the model folder has no tokenizer.json");
  }

  @Test
  void judgedCompletionsKeepTheirLabel() {
    Map<String, Object> row = Map.of("prompt", "p", "completion", "c", "label", false);
    Prepared.Ready ready = ready(config(RowShape.UNPAIRED), row);
    assertThat(ready.example().scalars()).containsEntry("label", 0.0);
    assertThat(counted(ready.example().sequences().get("completion"))).isEqualTo("c<eos>");
    refused(
        prepare(config(RowShape.UNPAIRED), Map.of("prompt", "p", "completion", "c", "label", 2)),
        "wrong_type",
        "column 'label' holds a number, true or false is expected");
  }

  @Test
  void promptsEndWithTheStartOfAnAnswer() {
    Sequence sequence = sequence(config(RowShape.PROMPT), Map.of("prompt", chat("q")), "prompt");
    assertThat(BYTES.tokenizer().decode(sequence.ids())).isEqualTo("user: q\nassistant: ");
    assertThat(sequence.promptLength()).isEqualTo(sequence.length());
    assertThat(sequence.countedTokens()).isZero();
    refused(
        prepare(config(RowShape.PROMPT), Map.of("prompt", "")),
        "empty_prompt",
        "no tokens to go on from");
  }

  @ParameterizedTest
  @CsvSource({"NaN", "0", "-1", "Infinity"})
  void weightsAreFiniteAndPositive(double weight) {
    Map<String, Object> row =
        Map.of("prompt", "p", "chosen", "a", "rejected", "b", "weight", weight);
    refused(prepare(config(RowShape.PREFERENCE), row), "invalid_number", "column 'weight' holds");
  }

  @Test
  void numbersOfTheRowAreKept() {
    Map<String, Object> row =
        Map.of(
            "prompt",
            "p",
            "chosen",
            "a",
            "rejected",
            "b",
            "weight",
            2,
            "margin",
            0.5,
            "chosen_score",
            8L,
            "other",
            "x");
    Example example = ready(config(RowShape.PREFERENCE), row).example();
    assertThat(example.weight()).isEqualTo(2.0);
    assertThat(example.scalars()).isEqualTo(Map.of("margin", 0.5, "chosen_score", 8.0));
  }

  @Test
  void theKeyIsTheIdOrElseTheHashOfTheColumnsUsed() {
    Map<String, Object> row = new HashMap<>(Map.of("prompt", "p", "chosen", "a", "rejected", "b"));
    Prepared.Ready first = ready(config(RowShape.PREFERENCE), row);
    row.put("unused", "x");
    Prepared.Ready same = ready(config(RowShape.PREFERENCE), row);
    row.put("margin", 1.0);
    Prepared.Ready other = ready(config(RowShape.PREFERENCE), row);
    row.put("id", 17L);
    Prepared.Ready named = ready(config(RowShape.PREFERENCE), row);
    assertThat(first.example().key()).hasSize(32).isEqualTo(same.example().key());
    assertThat(other.example().key()).isNotEqualTo(first.example().key());
    assertThat(first.hasOwnKey()).isFalse();
    assertThat(named.example().key()).isEqualTo("17");
    assertThat(named.hasOwnKey()).isTrue();
    assertThat(named.example().contentHash()).hasSize(32).isEqualTo(first.example().contentHash());
  }

  @Test
  void theHashDoesNotDependOnHowASourceKeepsAValue() {
    ExamplePreparer preparer =
        new ExamplePreparer(Optional.of(BYTES.tokenizer()), config(RowShape.PREFERENCE));
    Map<String, Object> wide = new HashMap<>();
    wide.put("chosen_input_ids", List.of(1L, 2L));
    wide.put("tools", null);
    Map<String, Object> narrow = Map.of("chosen_input_ids", new int[] {1, 2});
    assertThat(preparer.columnsHash(wide)).isEqualTo(preparer.columnsHash(narrow));
    assertThat(preparer.columnsHash(Map.of("chosen", "12")))
        .isNotEqualTo(preparer.columnsHash(Map.of("rejected", "12")));
  }

  @Test
  void rowsOfTheWrongKindSayWhatIsExpected() {
    refused(
        prepare(config(RowShape.PREFERENCE), Map.of("prompt", "p", "chosen", 3, "rejected", "b")),
        "wrong_type",
        "column 'chosen' holds a number, a string is expected");
    refused(
        prepare(
            config(RowShape.PREFERENCE),
            Map.of("prompt", "p", "chosen", chat("q", "a"), "rejected", chat("q", "b"))),
        "wrong_type",
        "column 'chosen' holds a list, a string is expected");
    refused(
        prepare(config(RowShape.DEMONSTRATION), Map.of("question", "q")),
        "missing_column",
        "needs 'prompt' and 'completion', 'messages', 'text' or 'completion_input_ids'; the row has 'question'");
    refused(
        prepare(
            config(RowShape.DEMONSTRATION), Map.of("messages", List.of(Map.of("speaker", "x")))),
        "wrong_type",
        "column 'messages' has a message with the fields [speaker], 'role' and 'content' are expected");
    refused(
        prepare(config(RowShape.DEMONSTRATION), Map.of("text", "half \ud83d")),
        "invalid_text",
        "column 'text' has half a character (lone surrogate) at position 5");
    refused(
        prepare(config(RowShape.DEMONSTRATION), Map.of("messages", chat("half \ud83d"))),
        "invalid_text",
        "the conversation has half a character (lone surrogate) at position 11 of its rendering");
  }

  @Test
  void messagesOfTheOtherKindAreRenamedInPlaceAndKeepTheirOtherFields() {
    ChatTemplate template = ChatTemplate.parse("{{ messages }}", Map.of());
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("name", "n");
    message.put("from", "gpt");
    message.put("value", "v");
    message.put("tool_calls", List.of("t"));
    ExamplePreparer preparer =
        new ExamplePreparer(BYTES.tokenizer(), template, config(RowShape.DEMONSTRATION));
    Prepared.Ready ready =
        (Prepared.Ready) preparer.prepare(Map.of("conversations", List.of(message)));
    assertThat(BYTES.tokenizer().decode(ready.example().sequences().get("completion").ids()))
        .isEqualTo("[{'name': 'n', 'role': 'gpt', 'content': 'v', 'tool_calls': ['t']}]");
  }

  @Test
  void optionsThatAreNullAreNotThere() {
    ChatTemplate template =
        ChatTemplate.parse("{{ mode|default('unset') }} {{ nested }}", Map.of());
    Map<String, Object> nested = new HashMap<>();
    nested.put("a", null);
    Map<String, Object> options = new HashMap<>();
    options.put("mode", null);
    options.put("nested", nested);
    ExamplePreparer preparer =
        new ExamplePreparer(BYTES.tokenizer(), template, config(RowShape.DEMONSTRATION));
    Prepared.Ready ready =
        (Prepared.Ready)
            preparer.prepare(Map.of("messages", chat("q"), "chat_template_kwargs", options));
    assertThat(BYTES.tokenizer().decode(ready.example().sequences().get("completion").ids()))
        .isEqualTo("unset {}");
  }

  @ParameterizedTest
  @CsvSource({"messages", "tools", "add_generation_prompt"})
  void optionsCannotReplaceWhatTheRowItselfDecides(String name) {
    refused(
        prepare(
            config(RowShape.DEMONSTRATION),
            Map.of("messages", chat("q"), "chat_template_kwargs", Map.of(name, List.of()))),
        "wrong_type",
        "column 'chat_template_kwargs' sets '%s', which is not an option of the chat template"
            .formatted(name));
  }

  @Test
  void jsonWithSomethingBehindItIsRefused() {
    refused(
        prepare(
            config(RowShape.DEMONSTRATION),
            Map.of("messages", chat("q"), "tools", "[] {\"left\": \"over\"}")),
        "wrong_type",
        "column 'tools' is a string that is no JSON");
  }

  @Test
  void tokensThatTheModelHasNotAreRefusedAlsoInTextRows() {
    Map<String, String> row = Map.of("prompt", "p", "chosen", "a", "rejected", "\u00ff");
    PreparerConfig small =
        new PreparerConfig(
            RowShape.PREFERENCE,
            100,
            TruncationMode.KEEP_START,
            PreparerConfig.UNLIMITED,
            BoundaryMerge.KEEP,
            true,
            false,
            // U+00FF is the bytes C3 BF.
            0xC3 + 3,
            NOW);
    refused(
        prepare(small, row),
        "invalid_token",
        "side 'rejected' has the token id 198, the model has 0 to 197: tokenizer and config.json do not fit");
  }

  @Test
  void anIdIsAStringOrAWholeNumber() {
    Map<String, Object> row = new HashMap<>(Map.of("prompt", "p", "chosen", "a", "rejected", "b"));
    row.put("id", new BigInteger("18446744073709551616"));
    assertThat(ready(config(RowShape.PREFERENCE), row).example().key())
        .isEqualTo("18446744073709551616");
    row.put("id", 17.0);
    assertThat(ready(config(RowShape.PREFERENCE), row).example().key()).isEqualTo("17.0");
    row.put("id", 17.5);
    refused(
        prepare(config(RowShape.PREFERENCE), row),
        "wrong_type",
        "column 'id' holds a number, a string or a whole number is expected");
    row.put("id", new byte[] {1, 2});
    refused(prepare(config(RowShape.PREFERENCE), row), "wrong_type", "column 'id' holds a value");
  }

  @Test
  void theHashTellsBytesAndWideNumbersApart() {
    ExamplePreparer preparer =
        new ExamplePreparer(Optional.of(BYTES.tokenizer()), config(RowShape.PREFERENCE));
    assertThat(preparer.columnsHash(Map.of("margin", new byte[] {1, 2})))
        .isEqualTo(preparer.columnsHash(Map.of("margin", new byte[] {1, 2})))
        .isNotEqualTo(preparer.columnsHash(Map.of("margin", new byte[] {1, 3})));
    assertThat(preparer.columnsHash(Map.of("margin", new BigDecimal("0.50"))))
        .isEqualTo(preparer.columnsHash(Map.of("margin", new BigDecimal("0.5"))))
        .isNotEqualTo(preparer.columnsHash(Map.of("margin", new BigDecimal("0.7"))));
    assertThat(preparer.columnsHash(Map.of("margin", BigInteger.ONE.shiftLeft(64))))
        .isNotEqualTo(preparer.columnsHash(Map.of("margin", BigInteger.ONE.shiftLeft(65))));
  }

  @Test
  void theHashOfOrdinaryValuesNeverChanges() {
    ExamplePreparer preparer =
        new ExamplePreparer(Optional.of(BYTES.tokenizer()), config(RowShape.PREFERENCE));
    Map<String, Object> row =
        Map.of("prompt", "p", "chosen", "a", "rejected", "b", "margin", 0.5, "chosen_score", 8L);
    assertThat(preparer.columnsHash(row)).isEqualTo("771a31112df507cd1b58fb97493157e8");
  }

  @Test
  void specialTokensThatTheTokenizerPutsAfterATextStandAtItsEndAlone(@TempDir Path folder)
      throws IOException {
    ByteLevelTokenizer.write(new LocalFolderSink(folder));
    Path json = folder.resolve("tokenizer.json");
    Files.writeString(
        json,
        Files.readString(json)
            .replace(
                "\"post_processor\" : null",
                """
                "post_processor" : {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}},
                            {"Sequence": {"id": "A", "type_id": 0}},
                            {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
                 "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                          {"Sequence": {"id": "B", "type_id": 0}}],
                 "special_tokens": {"<bos>": {"id": "<bos>", "ids": [1], "tokens": ["<bos>"]},
                                    "<eos>": {"id": "<eos>", "ids": [2], "tokens": ["<eos>"]}}}"""));
    try (Tokenizer ending = Tokenizer.load(LocalFolder.existing(folder))) {
      assertThat(ending.decode(ending.encodeWithSpecialTokens("a"))).isEqualTo("<bos>a<eos>");
      Prepared.Ready pair =
          (Prepared.Ready)
              new ExamplePreparer(Optional.of(ending), config(RowShape.PREFERENCE))
                  .prepare(Map.of("prompt", "p", "chosen", "a", "rejected", "b<eos>"));
      assertThat(pair.notes()).isEmpty();
      assertThat(ending.decode(pair.example().sequences().get("chosen").ids()))
          .isEqualTo("<bos>pa<eos>");
      assertThat(ending.decode(pair.example().sequences().get("rejected").ids()))
          .isEqualTo("<bos>pb<eos>");
      Prepared.Ready prompt =
          (Prepared.Ready)
              new ExamplePreparer(Optional.of(ending), config(RowShape.PROMPT))
                  .prepare(Map.of("prompt", ""));
      assertThat(ending.decode(prompt.example().sequences().get("prompt").ids()))
          .isEqualTo("<bos>");
    }
  }
}

package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.text.PreparerConfig.TruncationMode;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Spans of characters become marks of tokens; the tokenizer has one token per byte. */
class TokenMarksTest {

  private static final LocalDateTime NOW = LocalDateTime.parse("2025-01-15T12:00:00");

  @RegisterExtension static final ByteLevel BYTES = new ByteLevel();

  private static PreparerConfig config(TruncationMode mode, int maxLength) {
    PreparerConfig c = PreparerConfig.defaults(RowShape.PREFERENCE, NOW);
    return new PreparerConfig(
            RowShape.PREFERENCE,
            maxLength,
            mode,
            c.maxPromptLength(),
            c.boundaryMerge(),
            /* completionOnlyLoss= */ true,
            /* assistantOnlyLoss= */ false,
            259,
            NOW)
        .withColumns(RowColumns.NONE.withMarks(new TokenMarks("chosen", "chosen_marks")));
  }

  private static Prepared prepare(Map<String, ?> row, Object marks) {
    return prepare(config(TruncationMode.KEEP_START, 100), row, marks);
  }

  private static Prepared prepare(PreparerConfig config, Map<String, ?> row, Object marks) {
    Map<String, Object> marked = new HashMap<>(row);
    marked.put("chosen_marks", marks);
    return new ExamplePreparer(Optional.of(BYTES.tokenizer()), config).prepare(marked);
  }

  /** Marks of the chosen side's tokens that count. */
  private static double[] counted(Prepared prepared) {
    assertThat(prepared).isInstanceOf(Prepared.Ready.class);
    return ((Prepared.Ready) prepared).example().sequences().get("chosen").countedMarks();
  }

  private static final Map<String, String> ROW =
      Map.of("prompt", "qu\u00e9 ", "chosen", "a\u00e9bc", "rejected", "x");

  /** Two bytes are the second character, so two tokens; EOS ends the text. */
  @Test
  void aTokenHasTheGreatestMarkOfTheSpansThatItIsIn() {
    List<List<Number>> spans = List.of(List.of(1, 3, 0.5), List.of(2, 3));
    assertThat(counted(prepare(ROW, spans))).containsExactly(0, 0.5, 0.5, 1, 0, 0);
  }

  @Test
  void aRowWithoutSpansHasNoMark() {
    assertThat(counted(prepare(ROW, null))).containsExactly(new double[6]);
    assertThat(counted(prepare(ROW, List.of()))).containsExactly(new double[6]);
  }

  @Test
  void spansOfATextWithItsPromptCountFromItsStart() {
    Map<String, String> implicit = Map.of("chosen", "ab cd", "rejected", "ab xy");
    assertThat(counted(prepare(implicit, List.of(List.of(3, 4))))).containsExactly(0, 1, 0, 0);
  }

  @Test
  void marksAreCutWithTheirTokens() {
    Map<String, String> row = Map.of("prompt", "12", "chosen", "3456", "rejected", "x");
    List<List<Integer>> last = List.of(List.of(3, 4));
    assertThat(counted(prepare(config(TruncationMode.KEEP_START, 5), row, last)))
        .containsExactly(0, 0, 0);
    assertThat(counted(prepare(config(TruncationMode.KEEP_END, 4), row, last)))
        .as("of 4, 5 and 6, and EOS, of which the first has no prediction")
        .containsExactly(0, 1, 0);
  }

  @Test
  void aTokenizedRowHasAMarkForEachToken() {
    Map<String, Object> row =
        Map.of(
            "prompt_input_ids", List.of(5, 6),
            "chosen_input_ids", List.of(7, 8, 9),
            "rejected_input_ids", List.of(7));
    assertThat(counted(prepare(row, List.of(0, 0.25, 1)))).containsExactly(0, 0.25, 1);
    refused(prepare(row, List.of(0, 1)), "has 2 marks for the 3 tokens of 'chosen'");
  }

  @Test
  void twoRowsThatDifferInTheirMarksAreTwo() {
    assertThat(content(List.of(List.of(0, 1)))).isNotEqualTo(content(List.of(List.of(1, 2))));
  }

  private static String content(Object marks) {
    return ((Prepared.Ready) prepare(ROW, marks)).example().contentHash();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          1 | 1 | has the span [1, 1], whole numbers 0 <= start < end are expected
          3 | 5 | has the span [3, 5], the text has 4 characters
          """)
  void aSpanOutsideTheTextIsRefused(int start, int end, String problem) {
    refused(prepare(ROW, List.of(List.of(start, end))), problem);
  }

  @Test
  void whatIsNoSpanOrNoMarkIsRefused() {
    refused(prepare(ROW, List.of(1, 2)), "has the item 1, [start, end] or [start, end, mark]");
    refused(prepare(ROW, List.of(List.of(0, 1, 1.5))), "has the mark 1.5, 0 to 1 is expected");
    refused(prepare(ROW, "0-1"), "holds a string, a list of spans is expected");
  }

  @Test
  void aConversationIsMarkedByItsTokens() {
    Map<String, Object> row =
        Map.of(
            "prompt",
            "q",
            "chosen",
            List.of(Map.of("role", "assistant", "content", "a")),
            "rejected",
            "x");
    assertThat(prepare(row, List.of(List.of(0, 1)))).isInstanceOf(Prepared.Refused.class);
  }

  private static void refused(Prepared prepared, String problem) {
    assertThat(prepared)
        .isInstanceOfSatisfying(
            Prepared.Refused.class,
            refused -> assertThat(refused.detail()).contains("column 'chosen_marks' " + problem));
  }
}

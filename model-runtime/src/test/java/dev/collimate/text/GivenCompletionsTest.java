package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two completions of a prompt, of at most 3 tokens; the tokenizer has one token per byte. */
class GivenCompletionsTest {

  private static final LocalDateTime NOW = LocalDateTime.parse("2025-01-15T12:00:00");
  private static final int EOS = 2;

  @RegisterExtension static final ByteLevel BYTES = new ByteLevel();

  private static ExamplePreparer preparer(boolean readsLogProbs) {
    RowColumns columns =
        RowColumns.NONE.withCompletions(new GivenCompletions(2, 3, readsLogProbs, Set.of(EOS)));
    PreparerConfig config =
        new PreparerConfig(
            RowShape.PROMPT,
            16,
            PreparerConfig.TruncationMode.KEEP_START,
            PreparerConfig.UNLIMITED,
            PreparerConfig.BoundaryMerge.KEEP,
            /* completionOnlyLoss= */ true,
            /* assistantOnlyLoss= */ false,
            /* vocabularySize= */ 300,
            NOW,
            columns);
    return new ExamplePreparer(
        BYTES.tokenizer(), ChatTemplate.parse("{{ messages }}", Map.of()), config);
  }

  private static Map<String, Object> row() {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("prompt", "ab");
    row.put("completions_input_ids", List.of(List.of(7, 8), List.of(9, EOS)));
    row.put("logprobs", List.of(List.of(-0.5, -1), List.of(-2, 0)));
    return row;
  }

  @Test
  void tokensEndWithTheEndOfTheirSequence() {
    List<GivenCompletion> given = preparer(true).completions(row());

    assertThat(given.get(0).ids()).containsExactly(7, 8);
    assertThat(given.get(0).logProbs()).containsExactly(-0.5f, -1);
    assertThat(given.get(0).ended()).isFalse();
    assertThat(given.get(1).ended()).isTrue();
  }

  @Test
  void anEngineSaysWhatEndedThem() {
    Map<String, Object> row = row();
    row.put("finish_reasons", List.of("stop", "length"));

    List<GivenCompletion> given = preparer(true).completions(row);

    assertThat(given.get(0).ended()).isTrue();
    assertThat(given.get(1).ended()).isFalse();
  }

  /** A text that was cut has no end-of-sequence token. */
  @Test
  void textsAreTokenizedByThemselves() {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("prompt", "ab");
    row.put("completions", List.of("cd", "efg"));
    row.put("finish_reasons", List.of("stop", "length"));

    List<GivenCompletion> given = preparer(false).completions(row);

    assertThat(BYTES.tokenizer().decode(given.get(0).ids())).startsWith("cd").isNotEqualTo("cd");
    assertThat(given.get(0).ids()).hasSize(3);
    assertThat(BYTES.tokenizer().decode(given.get(1).ids())).isEqualTo("efg");
    assertThat(given.get(1).logProbs()).isEmpty();
  }

  @Test
  void otherCompletionsMakeAnotherRow() {
    Map<String, Object> other = row();
    other.put("completions_input_ids", List.of(List.of(7, 7), List.of(9, EOS)));

    assertThat(preparer(true).columnsHash(other)).isNotEqualTo(preparer(true).columnsHash(row()));
  }

  @Test
  void heldOutPromptsNeedNone() {
    Prepared prepared = preparer(true).withoutCompletions().prepare(Map.of("prompt", "ab"));

    assertThat(prepared).isInstanceOf(Prepared.Ready.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          completions_input_ids | [[7]]               | completion_count | column 'completions_input_ids' has 1 items, objective.num_generations is 2
          logprobs              | [[-1, -1]]          | completion_count | column 'logprobs' has 1 items, objective.num_generations is 2
          completions_input_ids | [[7, 300], [9, 2]]  | invalid_token    | column 'completions_input_ids' has the token id 300, the vocabulary has 0 to 299
          completions_input_ids | [[], [9, 2]]        | empty_completion | item 0 of column 'completions_input_ids' has no token to train on
          completions_input_ids | [[7,7,7,7], [9, 2]] | too_long         | item 0 of column 'completions_input_ids' has 4 tokens, rollout.max_completion_length is 3
          logprobs              | [[-1, -1], [-1]]    | logprob_count    | item 1 of column 'logprobs' has 1 log-probabilities, the completion has 2 tokens; the end-of-sequence token has one too
          logprobs              | [[-1, 0.5], [0, 0]] | invalid_number   | column 'logprobs' holds 0.5, it must be <= 0
          logprobs              | null                | missing_column   | column 'logprobs' is missing or null; the row has 'completions_input_ids', 'prompt'
          finish_reasons        | [stop, eos]         | wrong_type       | column 'finish_reasons' has 'eos', 'stop', 'length' or 'abort' is expected
          """)
  void whatCannotBeTrainedOnIsRefused(String column, String value, String reason, String detail)
      throws IOException {
    Map<String, Object> row = row();
    row.put(
        column,
        new ObjectMapper()
            .readValue(
                value.replaceAll("([a-z]{2,})", "\"$1\"").replace("\"null\"", "null"),
                Object.class));

    assertThat(preparer(true).prepare(row)).isEqualTo(new Prepared.Refused(reason, detail));
  }

  @Test
  void aRowOfOneCompletionIsToldToBeGrouped() {
    Prepared prepared = preparer(true).prepare(Map.of("prompt", "ab", "completion", "cd"));

    assertThat(prepared)
        .isEqualTo(
            new Prepared.Refused(
                "missing_column",
                "rollout.source: data needs a list of 2 completions, 'completions_input_ids' or"
                    + " 'completions'; the row has 'completion', 'prompt'. Rows of one completion"
                    + " each are to be grouped by prompt"));
  }
}

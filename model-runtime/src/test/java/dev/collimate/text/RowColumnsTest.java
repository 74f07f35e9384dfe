package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The columns that an objective declares, in tokenized pairs. */
class RowColumnsTest {

  private static final LocalDateTime NOW = LocalDateTime.parse("2025-01-15T12:00:00");

  private static final RowColumns SCORES =
      RowColumns.NONE.withNumbers(
          NumberColumn.required("rm_margin"), NumberColumn.optional("gap").within(">= 0"));

  private static Prepared prepare(RowColumns columns, Map<String, ?> row) {
    PreparerConfig config = PreparerConfig.defaults(RowShape.PREFERENCE, NOW).withColumns(columns);
    return new ExamplePreparer(Optional.empty(), config).prepare(row);
  }

  private static Example ready(RowColumns columns, Map<String, ?> row) {
    return ((Prepared.Ready) prepare(columns, row)).example();
  }

  private static Map<String, Object> pair(Map<String, ?> more) {
    Map<String, Object> row =
        new HashMap<>(
            Map.of(
                "prompt_input_ids", List.of(1),
                "chosen_input_ids", List.of(2),
                "rejected_input_ids", List.of(3)));
    row.putAll(more);
    return row;
  }

  @Test
  void theNumbersThatAreDeclaredAreKeptAndNoOthers() {
    Map<String, Object> row = pair(Map.of("rm_margin", -2, "gap", 1.5, "margin", 3));

    assertThat(ready(SCORES, row).scalars()).isEqualTo(Map.of("rm_margin", -2.0, "gap", 1.5));
    assertThat(ready(RowColumns.NONE, row).scalars()).isEmpty();
  }

  @Test
  void anOptionalNumberMayBeMissing() {
    assertThat(ready(SCORES, pair(Map.of("rm_margin", 0))).scalars()).containsOnlyKeys("rm_margin");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          other     | 1    | missing_column | column 'rm_margin' is missing or null; the row has 'chosen_input_ids', 'other', 'prompt_input_ids', 'rejected_input_ids'
          rm_margin | NaN  | invalid_number | column 'rm_margin' holds NaN, a finite number is expected
          rm_margin | -Infinity | invalid_number | column 'rm_margin' holds -Infinity, a finite number is expected
          """)
  void aRequiredNumberThatIsNoneRefusesTheRow(
      String column, double value, String reason, String detail) {
    assertThat(prepare(SCORES, pair(Map.of(column, value))))
        .isEqualTo(new Prepared.Refused(reason, detail));
  }

  @Test
  void aNumberOutsideItsRangeRefusesTheRow() {
    assertThat(prepare(SCORES, pair(Map.of("rm_margin", 1, "gap", -0.5))))
        .isEqualTo(
            new Prepared.Refused("invalid_number", "column 'gap' holds -0.5, it must be >= 0"));
  }

  @Test
  void theColumnsThatAreReadEnterTheKey() {
    Map<String, Object> row = pair(Map.of("rm_margin", 1));
    Map<String, Object> other = pair(Map.of("rm_margin", 2));

    assertThat(ready(SCORES, row).key()).isNotEqualTo(ready(SCORES, other).key());
    assertThat(ready(RowColumns.NONE, row).key()).isEqualTo(ready(RowColumns.NONE, other).key());
  }
}

package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What counts as the same number. */
class NumberMatchTest {

  private static OptionalDouble score(String completion, String gold, Map<String, Object> options) {
    return RewardRows.score(
        "number_match", options, RewardRows.row(completion, Map.of("answer", gold)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "The answer is 72.|72",
        "72|a solution of many steps #### 72",
        "So 3 + 4 = 7 apples|7",
        "first 5, then 8, so 13.|13",
        "#### 72|72",
        "#### 72 clips in April and 5 in May|72",
        "#### 5 + 3 = 8|8",
        "#### **72**|72",
        "#### Step 1: add them. It is 9|9",
        "#### 1. Add them~The result is 9|9",
        "#### 3~#### 4|4",
        "Answer: 4~####|4",
        "It is \\boxed{12}. Check: 5 + 7|12",
        "\\boxed{3} no, \\boxed{4}|4",
        "\\boxed{x = 5}|5",
        "\\boxed{5 = x}|5",
        "\\boxed{\\text{5 km}}|5",
        "\\boxed 5$|5",
        "$\\boxed{\\frac{1}{2}}$|0.5",
        "\\boxed{\\dfrac{-3}{4}}|-0.75",
        "\\boxed{-\\frac34}|-3/4",
        "\\boxed{3\\frac{1}{2}}|3.5",
        "\\boxed{- 3}|-3",
        "\\boxed{\\$1{,}234.50}|1234.5",
        "\\boxed{1\\,234}|1234",
        "\\boxed{2^{10}}|1024",
        "\\boxed{5 \\times 10^{-3}}|0.005",
        "unfinished \\boxed{12|12",
        "1,234,567|1234567",
        "1\u202f234\u00a0567|1234567",
        "1'234'567|1234567",
        "12,34,567 rupees|1234567",
        "3, 4 and 5,6|6",
        "$1,200.00 a year|1200",
        "it costs -$5|-5",
        "it costs $-5|-5",
        "€ 5|5",
        "5€|5",
        "The answer is -3|-3",
        "The answer is −3|-3",
        "10-3|3",
        "10 - 3|3",
        "10 -3|3",
        "pages 3–5|5",
        "+7|7",
        "3/4|0.75",
        "6/8|3/4",
        "1 3/4 cups|1.75",
        "-1 1/2|-1.5",
        "1½|1.5",
        "a ½|0.5",
        "1/3|0.3333333333",
        ".5|0.5",
        "5.|5",
        "Rs.500|500",
        "007|7",
        "50%|50",
        "50%|0.5",
        "50 percent|1/2",
        "50\\%|50%",
        "0.5|50%",
        "1e3|1000",
        "1.5E-2|0.015",
        "3 x 10^5|300000",
        "10^5|100000",
        "25 cm^2|25",
        "25 m² of H2O in x_1 = 4 km|4",
        "５|5",
        "答案是5|5",
        "<think>maybe 9, maybe 10</think>It is 8|8",
        "123456789012345678901234567890|123456789012345678901234567890",
        "0|-0",
        "**7**|7",
        "__7__|7",
      })
  void theseAreTheSame(String completion, String gold) {
    assertThat(score(completion.replace('~', '\n'), gold, Map.of())).hasValue(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "73|72",
        "72|-72",
        "0.5%|50%",
        "0.5%|50",
        "5000%|0.5",
        "100|1e2000000",
        "nothing|72",
        "twelve|12",
        "1.2.3|3",
        "3/4/2020|2020",
        "5/0|5",
        "x2|2",
        "cm^2|2",
        "\\boxed{2\\sqrt{3}}|3",
        "\\boxed{\\frac{\\pi}{2}}|2",
        "\\boxed{\\text{none}} after 72|72",
        "1,234|1",
        "1234|1,23",
        "12345678901234567890123456789|12345678901234567890123456788",
        "<think>It is 8</think>It is 9|8",
        "1e999999999|1",
      })
  void theseAreNot(String completion, String gold) {
    // Where the right answer is no number the reward does not apply, which is no 1 either.
    assertThat(score(completion, gold, Map.of()).orElse(0)).isZero();
  }

  @Test
  void aColumnWithoutANumberIsNotJudged() {
    assertThat(score("72", "no solution", Map.of())).isEmpty();
    assertThat(RewardRows.score("number_match", Map.of(), RewardRows.row("72", Map.of())))
        .isEmpty();
  }

  @Test
  void markedAnswersAloneCountWhereThatIsAskedFor() {
    Map<String, Object> marked = Map.of("extract", "marked");
    assertThat(score("72", "72", marked)).hasValue(0);
    assertThat(score("#### 72", "72", marked)).hasValue(1);
  }

  @Test
  void commasStandBeforeDecimalsWhereThatIsAskedFor() {
    Map<String, Object> comma = Map.of("decimal", "comma");
    assertThat(score("1.234,5", "1234,5", comma)).hasValue(1);
    assertThat(score("$3{,}14$", "3,14", comma)).hasValue(1);
    assertThat(score("1.234", "1,234", comma)).hasValue(0);
  }

  @Test
  void tolerancesAreTheUsers() {
    assertThat(score("3.14", "3.14159", Map.of())).hasValue(0);
    assertThat(score("3.14", "3.14159", Map.of("tolerance", 0.01))).hasValue(1);
    assertThat(score("314", "314.159", Map.of("relative_tolerance", 0.001))).hasValue(1);
    assertThat(score("1.0000001", "1", Map.of("tolerance", 0.0))).hasValue(0);
  }

  @Test
  void aPatternFindsTheAnswer() {
    Map<String, Object> tags = Map.of("answer_pattern", "<answer>(.*?)</answer>");
    assertThat(score("<answer>4</answer> of 9", "4", tags)).hasValue(1);
    assertThat(score("4", "4", tags)).hasValue(0);
  }

  @Test
  void aLongRunOfDigitsIsNoNumber() {
    assertThat(score("1".repeat(5000), "1", Map.of())).hasValue(0);
    assertThat(score("1,000".repeat(5000), "1", Map.of())).hasValue(0);
  }
}

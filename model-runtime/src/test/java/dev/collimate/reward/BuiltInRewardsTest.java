package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each built-in reward on rows whose reward can be seen. */
class BuiltInRewardsTest {

  private static double ofText(String name, Map<String, Object> options, String completion) {
    return RewardRows.score(
            name, options, RewardRows.row(completion, Map.of("answer", "The Eiffel tower")))
        .orElseThrow();
  }

  private static double ofLength(String name, Map<String, Object> options, int tokens) {
    int[] ids = IntStream.range(0, tokens).toArray();
    Rollout row = new Rollout("k", 0, "p", "4", ids, true, Map.of("answer", "4"));
    return RewardRows.score(name, options, row).orElseThrow();
  }

  @Test
  void anExactMatchIsLetterByLetter() {
    assertThat(ofText("exact_match", Map.of(), " The Eiffel tower\n")).isEqualTo(1);
    assertThat(ofText("exact_match", Map.of(), "the Eiffel tower")).isZero();
  }

  @Test
  void aNormalizedMatchLeavesOutWhatDoesNotMatter() {
    assertThat(ofText("normalized_match", Map.of(), "eiffel  Tower!")).isEqualTo(1);
    assertThat(ofText("normalized_match", Map.of(), "The Eiffel towers")).isZero();
    assertThat(ofText("normalized_match", Map.of(), "<think>A tower?</think> Eiffel tower."))
        .isEqualTo(1);
  }

  @Test
  void aPatternIsFoundOrMatchesAll() {
    Map<String, Object> find = Map.of("pattern", "a.c");
    assertThat(ofText("regex", find, "xa\ncx")).isEqualTo(1);
    assertThat(ofText("regex", Map.of("pattern", "a.c", "match", "full"), "xa\ncx")).isZero();
    assertThat(ofText("regex", Map.of("pattern", "a.c", "match", "full"), "abc")).isEqualTo(1);
  }

  /** The first two are of TRL's documentation. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<think>#This is my reasoning.#</think>#This is my answer.|1",
        "<think>#This is my reasoning.#This is my answer.|0",
        "<think></think>|1",
        "so <think>a</think>|0",
        "<think>a<think>b</think>|0",
        "<think>a</think>b<think>|0",
        "a</think>|0",
      })
  void thoughtsAreInTheirTags(String completion, double reward) {
    assertThat(ofText("think_format", Map.of(), completion.replace('#', '\n'))).isEqualTo(reward);
  }

  /** 90 of 100 tokens with a cache of 20 is TRL's example. */
  @ParameterizedTest
  @CsvSource({"80, 0", "90, -0.5", "100, -1", "101, -1", "1, 0"})
  void overlongCompletionsArePunishedSoftly(int tokens, double reward) {
    Map<String, Object> options = Map.of("max_completion_len", 100.0, "soft_punish_cache", 20.0);
    assertThat(ofLength("soft_overlong_punishment", options, tokens)).isEqualTo(reward);
  }

  @Test
  void withoutACacheThePunishmentIsAStep() {
    Map<String, Object> options = Map.of("max_completion_len", 10.0, "soft_punish_cache", 0.0);
    assertThat(ofLength("soft_overlong_punishment", options, 10)).isZero();
    assertThat(ofLength("soft_overlong_punishment", options, 11)).isEqualTo(-1);
  }

  /** TRL's example: half of max_len is 0.75 where right and -0.75 where wrong. */
  @ParameterizedTest
  @CsvSource({
    "4, 50, 0.75",
    "4, 0, 1",
    "4, 100, 0.5",
    "4, 150, 0.5",
    "5, 50, -0.75",
    "5, 0, -1",
    "5, 100, -0.5"
  })
  void lengthChangesWhatAnAnswerIsWorth(String answer, int tokens, double reward) {
    int[] ids = new int[tokens];
    Rollout row = new Rollout("k", 0, "p", "4", ids, true, Map.of("answer", answer));
    assertThat(RewardRows.score("cosine", Map.of("max_len", 100.0), row).orElseThrow())
        .isCloseTo(reward, within(1e-12));
  }

  @Test
  void lengthOfTextsIsJudgedByTheirMatch() {
    Map<String, Object> options = Map.of("max_len", 3.0, "correct_by", "normalized_match");
    assertThat(ofText("cosine", options, "eiffel tower")).isEqualTo(0.5);
    assertThat(ofText("cosine", options, "Big Ben")).isEqualTo(-0.5);
  }

  /** TRL's example: 1 2 3 4 costs nothing, five times 5 in pairs costs 0.75. */
  @Test
  void repetitionIsPenalized() {
    assertThat(RepetitionPenalty.penalty(List.of(1, 2, 3, 4), 2, -1)).isZero();
    assertThat(RepetitionPenalty.penalty(List.of(5, 5, 5, 5, 5), 2, -1)).isEqualTo(-0.75);
    assertThat(RepetitionPenalty.penalty(List.of(5), 2, -1)).isZero();
    Map<String, Object> words = Map.of("ngram_size", 2.0, "max_penalty", -0.4, "unit", "words");
    // "so it", "it is", "is so", "so it": one of four was there before.
    assertThat(ofText("repetition_penalty", words, " So it  is so\nit ")).isEqualTo(-0.1);
    assertThat(ofText("repetition_penalty", words, "")).isZero();
  }

  @Test
  void aModelsScoresComeFromTheExecutors() throws Exception {
    RewardSpec spec = RewardFunctions.find("reward_model").orElseThrow();
    assertThat(spec.runs()).isEqualTo(RewardSpec.Runs.ON_EXECUTORS);
    assertThatThrownBy(() -> RewardFunctions.options(spec, Map.of()))
        .isInstanceOf(CollimateException.class)
        .hasMessage("rewards: model of reward_model: must be given");
  }

  @Test
  void optionsAreChecked() {
    RewardSpec regex = RewardFunctions.find("regex").orElseThrow();
    assertThatThrownBy(() -> RewardFunctions.options(regex, Map.of("pattern", "(")))
        .hasMessage("rewards: pattern of regex: must be a regular expression of Java");
    assertThatThrownBy(() -> RewardFunctions.options(regex, Map.of("patern", "a")))
        .hasMessage("rewards: 'patern' is no option of regex");
    RewardSpec overlong = RewardFunctions.find("soft_overlong_punishment").orElseThrow();
    assertThatThrownBy(() -> RewardFunctions.options(overlong, Map.of("max_completion_len", 10.5)))
        .hasMessage(
            "rewards: max_completion_len of soft_overlong_punishment: must be a whole number");
    assertThatThrownBy(() -> RewardFunctions.options(overlong, Map.of("max_completion_len", 9.0)))
        .hasMessage(
            "rewards: soft_punish_cache of soft_overlong_punishment: must be at most max_completion_len");
  }
}

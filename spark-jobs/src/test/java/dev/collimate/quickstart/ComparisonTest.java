package dev.collimate.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.quickstart.Comparison.Scores;
import org.junit.jupiter.api.Test;

class ComparisonTest {

  @Test
  void wilsonsIntervalIsTheTextbooks() {
    // 10 of 20 at 95 %: centre 0.5, half width 1.96 * sqrt(0.25/20 + 1.96^2/1600) / (1 +
    // 1.96^2/20).
    Proportion half = new Proportion(10, 20);

    assertThat(half.interval().getLowerBound()).isCloseTo(0.2993, within(1e-4));
    assertThat(half.interval().getUpperBound()).isCloseTo(0.7007, within(1e-4));
    assertThat(half).hasToString("0.500 (0.299-0.701)");
  }

  @Test
  void bothGainsAreNeeded() {
    Scores sft = scores(500, 0);

    assertThat(new Comparison(sft, sft, scores(900, 400)).holds()).isTrue();
    assertThat(new Comparison(sft, sft, scores(500, 400)).holds()).isFalse();
    // sqrt(2 * 0.25 / 1000) = 0.022: three of them are 67 problems.
    assertThat(new Comparison(sft, sft, scores(566, 400)).holds()).isFalse();
    assertThat(new Comparison(sft, sft, scores(568, 400)).holds()).isTrue();
    assertThat(new Comparison(sft, sft, scores(900, 50)).holds()).isFalse();
  }

  @Test
  void theTableNamesTheModelsAndTheVerdict() {
    Comparison comparison = new Comparison(scores(500, 0), scores(520, 5), scores(980, 490));

    assertThat(comparison.text())
        .contains("SFT on chosen answers (control)  0.520 (0.489-0.551)")
        .contains("1000 unseen problems, 500 unseen pairs")
        .contains("pair accuracy +98.0 points (more than 10 needed)")
        .endsWith("holds\n");
  }

  @Test
  void moreSuccessesThanTrialsAreRefused() {
    assertThatThrownBy(() -> new Proportion(3, 2))
        .hasMessage("successes must be in 0 to trials, got 3 of 2");
  }

  private static Scores scores(int greedy, int pairs) {
    return new Scores(
        new Proportion(greedy, 1000), new Proportion(greedy, 1000), new Proportion(pairs, 500));
  }
}

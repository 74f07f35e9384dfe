package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The names and defaults are those of transformers' TrainingArguments. */
class BestCheckpointTest {

  private static final List<Map<String, Object>> LINES =
      List.of(
          Map.of("step", 1, "loss", 0.1),
          Map.of("step", 2, "eval_loss", 0.5, "eval_reward", 1.0),
          Map.of("step", 4, "eval_loss", 0.3, "eval_reward", 3.0),
          Map.of("step", 6, "eval_loss", 0.3, "eval_reward", 3.0),
          Map.of("step", 8, "eval_loss", 0.2, "eval_reward", 4.0));

  private static BestCheckpoint best(String... options) {
    return BestCheckpoint.of(
            RunConfig.read(
                    """
                    model: m
                    output: o
                    data: {train: [{path: p}], eval_fraction: 0.1}
                    objective: {name: sft}
                    train: {load_best_model_at_end: true}
                    """,
                    "run.yaml",
                    List.of(options))
                .train())
        .orElseThrow();
  }

  @Test
  void theLeastLossIsBestWhereNothingElseIsSaid() {
    assertThat(best()).isEqualTo(new BestCheckpoint("eval_loss", false));
    assertThat(best("train.metric_for_best_model=eval_nll_loss").isGreaterBetter()).isFalse();
  }

  @Test
  void theGreatestOfAnyOtherMetricIsBest() {
    assertThat(best("train.metric_for_best_model=rewards/accuracies"))
        .isEqualTo(new BestCheckpoint("eval_rewards/accuracies", true));
    assertThat(best("train.metric_for_best_model=kl", "train.greater_is_better=false"))
        .isEqualTo(new BestCheckpoint("eval_kl", false));
  }

  @Test
  void theEarliestOfTheBestCheckpointsIsTaken() {
    assertThat(best().step(LINES, List.of(6L, 4L, 2L))).hasValue(4);
    assertThat(best("train.metric_for_best_model=reward").step(LINES, List.of(6L, 4L, 2L)))
        .hasValue(4);
  }

  @Test
  void onlyWhatHasACheckpointIsCompared() {
    assertThat(best().step(LINES, List.of(2L, 8L))).hasValue(8);
    assertThat(best().step(LINES, List.of(2L))).hasValue(2);
    assertThat(best().step(LINES, List.of(3L))).isEmpty();
  }

  @Test
  void aMetricThatNoEvaluationHasIsRefusedWithThoseThatThereAre() {
    assertThatThrownBy(() -> best().requireIn(Map.of("eval_reward", 1.0, "eval_kl", 0.0)))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "train.metric_for_best_model: an evaluation has no eval_loss; it has eval_kl, eval_reward");
  }
}

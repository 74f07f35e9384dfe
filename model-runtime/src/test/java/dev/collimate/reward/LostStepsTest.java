package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.reward.RewardFailure.Reason;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LostStepsTest {

  private static final RewardFailure WRONG_KEY =
      new RewardFailure("judge", Reason.THREW, "HTTP 401: wrong key");
  private static final RewardFailure SILENT = new RewardFailure("judge", Reason.NOT_ASKED, "");
  private static final RewardFailure STRAY = new RewardFailure("own", Reason.TIMED_OUT, "");

  private static RewardOutcome lost(RewardFailure... failures) {
    return outcome(
        Stream.of(failures).map(f -> new RowReward(List.of(Double.NaN), List.of(f))).toList());
  }

  private static RewardOutcome outcome(List<RowReward> rows) {
    return new RewardOutcome(List.of("judge"), List.of(1.0), rows, false, Optional.empty());
  }

  private static RewardOutcome partlyLost() {
    return outcome(
        List.of(
            new RowReward(List.of(Double.NaN), List.of(WRONG_KEY)),
            new RowReward(List.of(0.5), List.of())));
  }

  @Test
  void theSentenceHasTheFirstCauseOfTheFirstStep() {
    LostSteps steps = new LostSteps(2);
    assertThat(steps.add(3, lost(STRAY, WRONG_KEY, WRONG_KEY))).isEmpty();
    assertThat(steps.add(5, lost(SILENT, SILENT, SILENT)))
        .hasValueSatisfying(
            failure ->
                assertThat(failure)
                    .hasMessage(
                        "rewards: no completion of 2 rollouts in a row, from step 3 to step 5, has"
                            + " a reward; they were lost by 'judge' (threw: HTTP 401: wrong key);"
                            + " mend that and start the run again, which goes on there, or raise"
                            + " rollout.max_lost_rollouts"));
  }

  @Test
  void oneRewardInBetweenStartsTheCountAnew() {
    LostSteps steps = new LostSteps(2);
    assertThat(steps.add(1, lost(WRONG_KEY))).isEmpty();
    assertThat(steps.add(2, partlyLost())).isEmpty();
    assertThat(steps.add(3, lost(STRAY))).isEmpty();
    assertThat(steps.add(4, lost(WRONG_KEY)))
        .hasValueSatisfying(
            failure -> assertThat(failure).hasMessageContaining("from step 3 to step 4, has a"));
  }

  @Test
  void zeroBearsAnyNumber() {
    LostSteps steps = new LostSteps(0);
    for (int step = 1; step <= 100; step++) {
      assertThat(steps.add(step, lost(WRONG_KEY))).isEmpty();
    }
  }
}

package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected factors are transformers' lambdas worked by hand. */
class ScheduleTest {

  @ParameterizedTest
  @CsvSource({
    // done = step - 1; linear: (10 - done) / (10 - 4) after 4 steps of done / 4
    "LINEAR, 1, 0.0",
    "LINEAR, 2, 0.25",
    "LINEAR, 5, 1.0",
    "LINEAR, 6, 0.8333333333333334",
    "LINEAR, 10, 0.16666666666666666",
    "LINEAR, 11, 0.0",
    // cosine: (1 + cos(pi * (done - 4) / 6)) / 2
    "COSINE, 3, 0.5",
    "COSINE, 5, 1.0",
    "COSINE, 7, 0.75",
    "COSINE, 8, 0.5",
    "COSINE, 10, 0.06698729810778065",
    "CONSTANT, 1, 0.0",
    "CONSTANT, 4, 0.75",
    "CONSTANT, 9, 1.0"
  })
  void afterWarmUpTheTypeDecides(Schedule.Type type, long step, double factor) {
    Schedule schedule = new Schedule(type, 2e-5, 4, 10);

    assertThat(schedule.learningRate(step)).isCloseTo(2e-5 * factor, within(1e-20));
  }

  @Test
  void withoutWarmUpTheFirstStepHasThePeak() {
    assertThat(new Schedule(Schedule.Type.LINEAR, 1e-6, 0, 100).learningRate(1)).isEqualTo(1e-6);
  }

  @Test
  void theWarmUpRatioRoundsUp() {
    assertThat(Schedule.warmupSteps(0.03, 101)).isEqualTo(4);
    assertThat(Schedule.warmupSteps(0, 101)).isZero();
  }
}

package dev.collimate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ConsoleProgressTest {

  private final StringWriter err = new StringWriter();
  private long seconds;

  private ConsoleProgress console(boolean terminal) {
    return new ConsoleProgress(
        new PrintWriter(err), terminal, () -> TimeUnit.SECONDS.toNanos(seconds));
  }

  @Test
  void aLineNamesStepLossRateAndSpeed() {
    Map<String, Object> line =
        Map.of(
            "step",
            10,
            "loss",
            0.69314,
            "learning_rate",
            1e-6,
            "tokens_per_second",
            4100.4,
            "releases",
            0.0,
            "entropy",
            2.0);
    assertThat(ConsoleProgress.text(line))
        .isEqualTo("step=10 loss=0.6931 lr=1.000e-06 tokens_per_second=4100");
  }

  @Test
  void anEvaluationIsALineOfItsOwn() {
    assertThat(
            ConsoleProgress.text(
                Map.of("step", 10, "eval_loss", 0.5, "eval_rewards/accuracies", 0.75)))
        .isEqualTo("step=10 eval_loss=0.5000 eval_rewards/accuracies=0.7500");
  }

  @Test
  void workGivenOutAgainIsShown() {
    assertThat(ConsoleProgress.text(Map.of("step", 1, "releases", 2.0)))
        .isEqualTo("step=1 releases=2");
  }

  @Test
  void withoutATerminalThereAreOnlyLines() {
    ConsoleProgress console = console(/* terminal= */ false);
    console.stage("prepare");
    console.training(1, 4);
    console.line(Map.of("step", 1, "loss", 0.5));
    assertThat(err.toString()).isEqualTo("prepare\ntraining: step 1 of 4\nstep=1 loss=0.5000\n");
  }

  @Test
  void theBarCountsTheTimeOfThisProcessOnly() {
    ConsoleProgress console = console(/* terminal= */ true);
    console.training(51, 100);
    seconds = 100;
    console.line(Map.of("step", 75, "loss", 0.5));
    assertThat(err.toString())
        .isEqualTo(
            "training: step 51 of 100\n"
                + "[###############---------------] 50/100  50 %"
                + "\r\033[Kstep=75 loss=0.5000\n"
                + "[######################--------] 75/100  75 %  4.00 s/step  1:40 left");
  }

  @Test
  void theBarIsGoneAfterTheLastStep() {
    ConsoleProgress console = console(/* terminal= */ true);
    console.training(1, 1);
    console.line(Map.of("step", 1));
    assertThat(err.toString()).endsWith("\r\033[Kstep=1\n");
  }
}

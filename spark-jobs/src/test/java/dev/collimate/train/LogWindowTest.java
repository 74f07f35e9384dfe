package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.learn.MetricSums;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LogWindowTest {

  @Test
  void aResumedWindowGoesOnWithItsMetricsAndBeginsItsTimesAnew() {
    LogWindow window = new LogWindow();
    // Half of the window's steps are another process's: 30 tokens each, 100 computed.
    window.add(step(0.5, 1.0, 7.0), tokens(30));
    window.add(step(0.5, 2.0, 7.0), tokens(30));
    LogWindow resumed = LogWindow.restore(window.save());
    resumed.add(step(0.7, 3.0, 2.0), tokens(30));
    resumed.add(step(0.7, 4.0, 2.0), tokens(30));

    Map<String, Object> line = resumed.closeAt(4, 0.5);

    assertThat(line)
        .containsEntry("loss", (0.5 + 0.5 + 0.7 + 0.7) / 4)
        .containsEntry("grad_norm", 4.0)
        .containsEntry("num_tokens", 120L)
        .containsEntry("computed_tokens", 400.0)
        .containsEntry("step_seconds", 2.0)
        .containsEntry("tokens_per_second", 60.0 / 4)
        .containsEntry("pairs_per_second", 8.0 / 4)
        .containsEntry("releases", 2.0);
  }

  @Test
  void aClosedWindowLeavesOnlyTheTotalOfTokens() {
    LogWindow window = new LogWindow();
    window.add(step(0.5, 1.0, 7.0), tokens(30));
    var unused = window.closeAt(1, 0.1);
    window.add(step(0.3, 1.0, 1.0), tokens(10));

    assertThat(window.closeAt(2, 0.2))
        .containsEntry("loss", 0.3)
        .containsEntry("num_tokens", 40L)
        .containsEntry("computed_tokens", 100.0)
        .containsEntry("tokens_per_second", 10.0);
  }

  private static LogWindow.StepReport step(double loss, double gradNorm, double seconds) {
    return new LogWindow.StepReport(
        loss,
        gradNorm,
        1e-3,
        4,
        Map.of("step_seconds", seconds, "computed_tokens", 100.0, "releases", 1.0));
  }

  private static MetricSums tokens(int count) {
    MetricSums metrics = new MetricSums();
    metrics.count("num_tokens", count);
    return metrics;
  }
}

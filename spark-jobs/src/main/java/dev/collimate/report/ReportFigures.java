package dev.collimate.report;

import dev.collimate.report.ReportContent.Figure;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The numbers at the top of the report. */
final class ReportFigures {

  private final RunManifest manifest;
  private final List<Map<String, Object>> metrics;
  private final List<Figure> figures = new ArrayList<>();

  private ReportFigures(RunManifest manifest, List<Map<String, Object>> metrics) {
    this.manifest = manifest;
    this.metrics = metrics;
  }

  static List<Figure> of(RunManifest manifest, List<Map<String, Object>> metrics) {
    ReportFigures figures = new ReportFigures(manifest, metrics);
    figures.addAll();
    return List.copyOf(figures.figures);
  }

  private void addAll() {
    share("eval_rewards/accuracies", "Held-out pair accuracy");
    share("eval_accuracy", "Held-out pair accuracy");
    share("eval_mean_token_accuracy", "Held-out token accuracy");
    heldOut("eval_reward", "Held-out reward");
    heldOut("eval_loss", "Held-out loss");
    last("loss")
        .ifPresent(
            loss ->
                figures.add(new Figure("Training loss", ReportNumbers.real(loss), "last line")));
    last("step")
        .ifPresent(
            step ->
                figures.add(
                    new Figure(
                        "Optimizer steps",
                        ReportNumbers.real(step),
                        last("epoch")
                            .map(epoch -> ReportNumbers.real(epoch) + " epochs")
                            .orElse(""))));
    throughput();
    long read = manifest.accounting().read();
    if (read > 0) {
      figures.add(
          new Figure(
              "Rows read",
              ReportNumbers.of(read),
              ReportNumbers.of(manifest.accounting().refused()) + " refused, with a reason each"));
    }
  }

  private void heldOut(String name, String label) {
    before(name)
        .ifPresent(
            before ->
                after(name)
                    .ifPresent(
                        after ->
                            figures.add(
                                new Figure(
                                    label,
                                    ReportNumbers.real(after),
                                    "was " + ReportNumbers.real(before) + " before training"))));
  }

  private void share(String name, String label) {
    after(name)
        .ifPresent(
            after ->
                figures.add(
                    new Figure(
                        label,
                        ReportNumbers.percent(after),
                        before(name)
                            .map(b -> "was " + ReportNumbers.percent(b) + " before training")
                            .orElse(""))));
  }

  /** Means over the whole run: tokens by step time, windows weighted by their steps. */
  private void throughput() {
    double seconds = 0;
    double tokens = 0;
    double previousStep = 0;
    for (Map<String, Object> line : metrics) {
      if (line.get("step") instanceof Number step
          && line.get("step_seconds") instanceof Number stepSeconds
          && line.get("tokens_per_second") instanceof Number rate) {
        double window = (step.doubleValue() - previousStep) * stepSeconds.doubleValue();
        previousStep = step.doubleValue();
        seconds += window;
        tokens += window * rate.doubleValue();
      }
    }
    if (seconds > 0) {
      figures.add(
          new Figure(
              "Tokens per second",
              ReportNumbers.of(Math.round(tokens / seconds)),
              ReportNumbers.duration(seconds) + " of training steps"));
    }
  }

  private Optional<Double> before(String name) {
    return number(manifest.evaluation().getOrDefault(RunManifest.BEFORE, Map.of()).get(name));
  }

  private Optional<Double> after(String name) {
    return number(manifest.evaluation().getOrDefault(RunManifest.AFTER, Map.of()).get(name));
  }

  private Optional<Double> last(String name) {
    for (int i = metrics.size() - 1; i >= 0; i--) {
      Optional<Double> value = number(metrics.get(i).get(name));
      if (value.isPresent()) {
        return value;
      }
    }
    return Optional.empty();
  }

  private static Optional<Double> number(Object value) {
    return value instanceof Number number ? Optional.of(number.doubleValue()) : Optional.empty();
  }
}

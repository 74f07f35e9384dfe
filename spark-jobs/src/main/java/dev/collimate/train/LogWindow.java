package dev.collimate.train;

import dev.collimate.learn.MetricSums;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What the steps since the last logged line add up to. It stands in checkpoints, so that a resumed
 * run logs the same metrics as one that was never interrupted; times are those of this process
 * alone.
 */
final class LogWindow {

  private static final String TOKENS = "num_tokens";

  /** Counts of a step that add up over a window; all other numbers are averaged. */
  private static final Set<String> SUMMED = Set.of("computed_tokens", "releases");

  /**
   * What a step reports beside its metrics.
   *
   * @param loss of the step
   * @param gradNorm before clipping
   * @param rows rows of its global batch
   * @param numbers seconds and counts by name, such as {@code compute_seconds}
   */
  record StepReport(
      double loss, double gradNorm, double learningRate, long rows, Map<String, Double> numbers) {}

  private int steps;
  private double lossSum;
  private double gradNorm;
  private double learningRate;
  private long rows;
  private MetricSums metrics = new MetricSums();
  private long tokensBefore;
  private final Map<String, Double> numbers = new LinkedHashMap<>();

  void add(StepReport step, MetricSums stepMetrics) {
    steps++;
    lossSum += step.loss();
    gradNorm = step.gradNorm();
    learningRate = step.learningRate();
    rows += step.rows();
    metrics.add(stepMetrics);
    step.numbers().forEach((name, number) -> numbers.merge(name, number, Double::sum));
  }

  /**
   * The line of this window, and the beginning of the next: means over the window's steps (loss,
   * seconds) or rows (metrics), {@code num_tokens} as the run's total.
   */
  Map<String, Object> closeAt(long step, double epoch) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", step);
    line.put("epoch", epoch);
    line.put("loss", lossSum / steps);
    line.put("grad_norm", gradNorm);
    line.put("learning_rate", learningRate);
    double tokens = 0;
    for (Map.Entry<String, Double> metric : metrics.values().entrySet()) {
      if (metric.getKey().equals(TOKENS)) {
        tokens = metric.getValue();
      } else {
        line.put(metric.getKey(), metric.getValue());
      }
    }
    tokensBefore += (long) tokens;
    line.put(TOKENS, tokensBefore);
    double seconds = numbers.getOrDefault("step_seconds", 0.0);
    if (seconds > 0) {
      line.put("tokens_per_second", tokens / seconds);
      line.put("pairs_per_second", rows / seconds);
    }
    numbers.forEach((name, sum) -> line.put(name, SUMMED.contains(name) ? sum : sum / steps));
    steps = 0;
    lossSum = 0;
    rows = 0;
    metrics = new MetricSums();
    numbers.clear();
    return line;
  }

  boolean isEmpty() {
    return steps == 0;
  }

  /** The window without its times, as text for a checkpoint. */
  String save() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(steps);
      out.writeDouble(lossSum);
      out.writeDouble(gradNorm);
      out.writeDouble(learningRate);
      out.writeLong(rows);
      out.writeLong(tokensBefore);
      metrics.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }

  static LogWindow restore(String saved) {
    LogWindow window = new LogWindow();
    byte[] bytes = Base64.getDecoder().decode(saved);
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      window.steps = in.readInt();
      window.lossSum = in.readDouble();
      window.gradNorm = in.readDouble();
      window.learningRate = in.readDouble();
      window.rows = in.readLong();
      window.tokensBefore = in.readLong();
      window.metrics = MetricSums.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return window;
  }
}

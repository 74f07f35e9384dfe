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

/**
 * What the steps since the last logged line add up to. It stands in checkpoints, so that a resumed
 * run logs the same metrics as one that was never interrupted; times are those of this process
 * alone.
 */
final class LogWindow {

  private static final String TOKENS = "num_tokens";
  private static final String COMPUTED_TOKENS = "computed_tokens";

  /** A count of this process's steps that adds up over a window; all other numbers are averaged. */
  private static final String RELEASES = "releases";

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
  private MetricSums metrics = new MetricSums();
  private long tokensBefore;
  private double computedTokens;

  // Not saved: the steps of this process, to which its clocks belong.
  private int timedSteps;
  private long timedRows;
  private double timedTokens;
  private final Map<String, Double> numbers = new LinkedHashMap<>();

  void add(StepReport step, MetricSums stepMetrics) {
    steps++;
    lossSum += step.loss();
    gradNorm = step.gradNorm();
    learningRate = step.learningRate();
    metrics.add(stepMetrics);
    timedSteps++;
    timedRows += step.rows();
    timedTokens += stepMetrics.values().getOrDefault(TOKENS, 0.0);
    step.numbers()
        .forEach(
            (name, number) -> {
              if (name.equals(COMPUTED_TOKENS)) {
                computedTokens += number;
              } else {
                numbers.merge(name, number, Double::sum);
              }
            });
  }

  /**
   * The line of this window, and the beginning of the next: means over the window's steps (loss) or
   * rows (metrics), over this process's steps of it (seconds), {@code num_tokens} as the run's
   * total.
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
    line.put(COMPUTED_TOKENS, computedTokens);
    double seconds = numbers.getOrDefault("step_seconds", 0.0);
    if (seconds > 0) {
      line.put("tokens_per_second", timedTokens / seconds);
      line.put("pairs_per_second", timedRows / seconds);
    }
    numbers.forEach((name, sum) -> line.put(name, name.equals(RELEASES) ? sum : sum / timedSteps));
    steps = 0;
    lossSum = 0;
    computedTokens = 0;
    timedSteps = 0;
    timedRows = 0;
    timedTokens = 0;
    metrics = new MetricSums();
    numbers.clear();
    return line;
  }

  /** The window without its times, as text for a checkpoint. */
  String save() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(steps);
      out.writeDouble(lossSum);
      out.writeDouble(gradNorm);
      out.writeDouble(learningRate);
      out.writeLong(tokensBefore);
      out.writeDouble(computedTokens);
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
      window.tokensBefore = in.readLong();
      window.computedTokens = in.readDouble();
      window.metrics = MetricSums.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return window;
  }
}

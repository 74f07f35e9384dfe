package dev.collimate.cli;

import dev.collimate.train.RunProgress;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;

/** A line per stage and per logged step, with the time left. */
final class ConsoleProgress implements RunProgress {

  private final PrintStream out;
  private long firstStep;
  private long lastStep;
  private long startNanos;

  ConsoleProgress(PrintStream out) {
    this.out = out;
  }

  @Override
  public void stage(String name) {
    out.println("== " + name);
  }

  @Override
  public void training(long first, long last) {
    firstStep = first;
    lastStep = last;
    startNanos = System.nanoTime();
  }

  @Override
  public void line(Map<String, Object> line) {
    long step = ((Number) line.get("step")).longValue();
    if (line.containsKey("eval_loss")) {
      out.printf(
          Locale.ROOT,
          "step=%d eval_loss=%.4f%s%n",
          step,
          number(line, "eval_loss"),
          accuracy(line, "eval_rewards/accuracies"));
      return;
    }
    out.printf(
        Locale.ROOT,
        "step=%d/%d loss=%.4f%s grad_norm=%.3g lr=%.3g tokens_per_second=%.0f left=%s%n",
        step,
        lastStep,
        number(line, "loss"),
        accuracy(line, "rewards/accuracies"),
        number(line, "grad_norm"),
        number(line, "learning_rate"),
        number(line, "tokens_per_second"),
        timeLeft(step));
  }

  private static String accuracy(Map<String, Object> line, String name) {
    return line.containsKey(name)
        ? String.format(Locale.ROOT, " accuracy=%.3f", number(line, name))
        : "";
  }

  private static double number(Map<String, Object> line, String name) {
    return line.get(name) instanceof Number number ? number.doubleValue() : Double.NaN;
  }

  private String timeLeft(long step) {
    double perStep = (System.nanoTime() - startNanos) / 1e9 / Math.max(1, step - firstStep + 1);
    Duration left = Duration.ofSeconds(Math.round(perStep * (lastStep - step)));
    return "%d:%02d:%02d".formatted(left.toHours(), left.toMinutesPart(), left.toSecondsPart());
  }
}

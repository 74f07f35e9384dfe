package dev.collimate.cli;

import dev.collimate.train.RunProgress;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.LongSupplier;

/**
 * A run on the console: a line per stage and per line of metrics, and on a terminal a bar below
 * them with the time that is left.
 */
final class ConsoleProgress implements RunProgress {

  private static final int BAR = 30;

  /** Goes to the line's start and clears it. */
  private static final String CLEAR = "\r\033[K";

  /** Names that stand in a line, shortened; metrics that a line does not have are left out. */
  private static final List<String> SHOWN =
      List.of(
          "loss",
          "eval_loss",
          "learning_rate",
          "grad_norm",
          "rewards/margins",
          "rewards/accuracies",
          "margin",
          "accuracy",
          "mean_token_accuracy",
          "eval_rewards/margins",
          "eval_rewards/accuracies",
          "eval_margin",
          "eval_accuracy",
          "eval_mean_token_accuracy",
          "tokens_per_second",
          "releases");

  private final PrintWriter err;
  private final boolean terminal;
  private final LongSupplier nanoTime;
  private long started;
  private long firstStep;
  private long lastStep;
  private boolean barShown;

  ConsoleProgress(PrintWriter err, boolean terminal, LongSupplier nanoTime) {
    this.err = err;
    this.terminal = terminal;
    this.nanoTime = nanoTime;
  }

  /** On this process's stderr; without a terminal there is no bar. */
  @SuppressWarnings("SystemConsoleNull") // True up to Java 21, the newest that Spark supports.
  static ConsoleProgress on(PrintWriter err) {
    return new ConsoleProgress(err, System.console() != null, System::nanoTime);
  }

  @Override
  public synchronized void stage(String name) {
    lastStep = 0;
    print(name);
  }

  @Override
  public synchronized void training(long first, long last) {
    started = nanoTime.getAsLong();
    firstStep = first;
    lastStep = last;
    print("training: step " + first + " of " + last);
    drawBar(first - 1);
  }

  @Override
  public synchronized void line(Map<String, Object> line) {
    print(text(line));
    if (line.get("step") instanceof Number step) {
      drawBar(step.longValue());
    }
  }

  /** {@code step=10 loss=0.6931 lr=1.0e-06 …}. */
  static String text(Map<String, Object> line) {
    StringJoiner text = new StringJoiner(" ");
    text.add("step=" + line.get("step"));
    for (String name : SHOWN) {
      boolean quiet = name.equals("releases") && isZero(line.get(name));
      if (line.get(name) instanceof Number number && !quiet) {
        text.add((name.equals("learning_rate") ? "lr" : name) + "=" + number(name, number));
      }
    }
    return text.toString();
  }

  private static boolean isZero(Object value) {
    return value instanceof Number number && number.doubleValue() == 0;
  }

  private static String number(String name, Number number) {
    String format =
        switch (name) {
          case "learning_rate" -> "%.3e";
          case "tokens_per_second", "releases" -> "%.0f";
          default -> "%.4f";
        };
    return String.format(Locale.ROOT, format, number.doubleValue());
  }

  private void print(String text) {
    err.println(barShown ? CLEAR + text : text);
    err.flush();
    barShown = false;
  }

  private void drawBar(long step) {
    if (terminal && lastStep > 0 && step < lastStep) {
      err.print(bar(step));
      err.flush();
      barShown = true;
    }
  }

  private String bar(long step) {
    int filled = (int) (BAR * step / lastStep);
    String left = "";
    long done = step - firstStep + 1;
    if (done > 0) {
      double perStep = (nanoTime.getAsLong() - started) / 1e9 / done;
      left =
          String.format(
              Locale.ROOT,
              "  %.2f s/step  %s left",
              perStep,
              duration(Math.round(perStep * (lastStep - step))));
    }
    return "["
        + "#".repeat(filled)
        + "-".repeat(BAR - filled)
        + "] "
        + step
        + "/"
        + lastStep
        + String.format(Locale.ROOT, "  %d %%", 100 * step / lastStep)
        + left;
  }

  private static String duration(long seconds) {
    return seconds >= 3600
        ? String.format(
            Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60)
        : String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60);
  }
}

package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.config.TrainConfig;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;

/**
 * Which checkpoint is published instead of the last one, as transformers' {@code
 * load_best_model_at_end} chooses it: of those that were evaluated when they were saved the one
 * with the best value, the earliest of several. It follows from the lines of metrics and the
 * checkpoints that are there, so a resumed run chooses the same one; the best one so far is never
 * removed.
 *
 * @param metric name of a number of an evaluation, with its prefix
 * @param isGreaterBetter whether the greatest is best, else the least
 */
record BestCheckpoint(String metric, boolean isGreaterBetter) {

  /** Where the lines of metrics are. */
  @FunctionalInterface
  interface MetricsLines {
    List<Map<String, Object>> read() throws IOException;
  }

  private static final String PREFIX = "eval_";

  /** The step to publish of a run; empty: the last one. */
  static OptionalLong step(TrainConfig train, MetricsLines lines, CheckpointStore checkpoints)
      throws IOException {
    Optional<BestCheckpoint> best = of(train);
    return best.isEmpty()
        ? OptionalLong.empty()
        : best.get().step(lines.read(), checkpoints.steps());
  }

  /** What the run file asks for; empty where the last checkpoint is published. */
  static Optional<BestCheckpoint> of(TrainConfig train) {
    if (!train.loadBestModelAtEnd()) {
      return Optional.empty();
    }
    String name = train.metricForBestModel().orElse("loss");
    return Optional.of(
        new BestCheckpoint(
            name.startsWith(PREFIX) ? name : PREFIX + name,
            train.greaterIsBetter().orElse(!name.endsWith("loss"))));
  }

  /**
   * The state to publish.
   *
   * @param last of training
   * @throws CollimateException of kind DATA where the best checkpoint is damaged
   */
  static TrainingState result(OptionalLong best, CheckpointStore checkpoints, TrainingState last)
      throws IOException {
    if (best.isEmpty() || best.getAsLong() == last.progress().step()) {
      return last;
    }
    try {
      return checkpoints.load(best.getAsLong());
    } catch (DamagedFileException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "The best checkpoint, of step %d, is damaged (%s); restore it, or start a new run"
              .formatted(best.getAsLong(), e.getMessage()),
          e);
    }
  }

  /**
   * Checks that evaluations have the metric.
   *
   * @param evaluation of the weights before training
   * @throws CollimateException of kind USAGE where they have not
   */
  void requireIn(Map<String, Object> evaluation) {
    if (!(evaluation.get(metric) instanceof Number)) {
      throw CollimateException.usage(
          "train.metric_for_best_model: an evaluation has no %s; it has %s"
              .formatted(metric, String.join(", ", new TreeSet<>(evaluation.keySet()))));
    }
  }

  /**
   * The step of the best checkpoint; empty where none was evaluated.
   *
   * @param lines of metrics
   * @param saved steps that have a checkpoint
   */
  OptionalLong step(List<Map<String, Object>> lines, Collection<Long> saved) {
    OptionalLong step = OptionalLong.empty();
    double best = Double.NaN;
    for (Map<String, Object> line : lines) {
      if (line.get(metric) instanceof Number number
          && line.get("step") instanceof Number at
          && saved.contains(at.longValue())
          && isBetter(number.doubleValue(), best)) {
        best = number.doubleValue();
        step = OptionalLong.of(at.longValue());
      }
    }
    return step;
  }

  private boolean isBetter(double value, double best) {
    if (Double.isNaN(best)) {
      return !Double.isNaN(value);
    }
    return isGreaterBetter ? value > best : value < best;
  }
}

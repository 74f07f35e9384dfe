package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.aggregate.StepResult;
import dev.collimate.config.TrainConfig;
import dev.collimate.learn.AdamW;
import dev.collimate.learn.GradientClip;
import dev.collimate.learn.LeafResult;
import dev.collimate.learn.MetricSums;
import dev.collimate.learn.Schedule;
import dev.collimate.parameters.FlatVector;
import dev.collimate.train.LogWindow.StepReport;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Steps of AdamW by gradients that the workers compute: gives out, sums, clips, updates. */
final class GradientSteps {

  private static final String FIRST_MOMENT = "exp_avg";
  private static final String SECOND_MOMENT = "exp_avg_sq";

  /** Names of the optimizer's vectors in checkpoints: torch's own. */
  static final List<String> VECTORS = List.of(FIRST_MOMENT, SECOND_MOMENT);

  private final TrainConfig config;
  private final Aggregator aggregator;
  private final WorkerShares shares;
  private final StepMethod.Reference reference;
  private final Schedule schedule;
  private final AdamW optimizer;

  /**
   * @param steps of the whole run
   * @param start what training goes on from; the optimizer's vectors are updated in place
   */
  GradientSteps(
      TrainConfig config,
      long steps,
      Aggregator aggregator,
      WorkerShares shares,
      StepMethod.Reference reference,
      TrainingState start) {
    this.config = config;
    this.aggregator = aggregator;
    this.shares = shares;
    this.reference = reference;
    this.schedule = StepMethod.schedule(config, steps);
    this.optimizer =
        new AdamW(
            config.adamW(),
            start.progress().layout(),
            start.optimizer().get(FIRST_MOMENT),
            start.optimizer().get(SECOND_MOMENT),
            start.progress().step());
  }

  /**
   * A step that was taken.
   *
   * @param numbers seconds and counts by name, those of the whole step not among them
   */
  record Taken(
      double loss,
      double gradNorm,
      double learningRate,
      MetricSums metrics,
      Map<String, Double> numbers) {

    /**
     * The step's report.
     *
     * @param rows of its global batch
     * @param start when the step began, by the clock of {@link System#nanoTime}
     */
    StepReport report(long rows, long computedTokens, long start) {
      Map<String, Double> all = new LinkedHashMap<>(numbers);
      all.put("computed_tokens", (double) computedTokens);
      all.put("step_seconds", (System.nanoTime() - start) / 1e9);
      return new StepReport(loss, gradNorm, learningRate, rows, all);
    }
  }

  /**
   * Takes a step.
   *
   * @param number of the step, from 1
   * @param masters updated in place
   * @param leaves work with a gradient, a micro-batch each
   */
  Taken take(long number, FlatVector masters, List<byte[]> leaves) {
    StepResult result = aggregator.step(number - 1, masters, leaves);
    shares.add(result.stats());
    double loss = 0;
    MetricSums metrics = new MetricSums();
    for (byte[] leaf : result.leaves()) {
      LeafResult read = StepMethod.leafResult(leaf);
      loss += read.loss();
      metrics.add(read.metrics());
    }
    long updateStart = System.nanoTime();
    double norm = GradientClip.norm(result.gradient(), StepMethod.UPDATE_THREADS);
    GradientClip.requireFinite(number, loss, norm);
    double learningRate = schedule.learningRate(number);
    optimizer.step(
        masters,
        result.gradient(),
        learningRate,
        GradientClip.factor(norm, config.maxGradNorm()),
        StepMethod.UPDATE_THREADS,
        // The version that workers read next is the reference's where it moves.
        reference.movesAfter(number) ? blocks -> {} : aggregator.announce(number, masters));
    reference.after(number, masters);
    Map<String, Double> numbers = StepMethod.numbers(result.stats(), 1);
    numbers.put("update_seconds", (System.nanoTime() - updateStart) / 1e9);
    return new Taken(loss, norm, learningRate, metrics, numbers);
  }
}

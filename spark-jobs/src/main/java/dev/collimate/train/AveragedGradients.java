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
import java.util.List;
import java.util.Map;

/** One step at a time: gives a global batch out, takes the gradient, clips, updates. */
final class AveragedGradients implements StepMethod {

  private static final String FIRST_MOMENT = "exp_avg";
  private static final String SECOND_MOMENT = "exp_avg_sq";

  /** Names of the optimizer's vectors in checkpoints: torch's own. */
  static final List<String> VECTORS = List.of(FIRST_MOMENT, SECOND_MOMENT);

  private final TrainConfig config;
  private final BatchPlan plan;
  private final StepWork work;
  private final SplitRows rows;
  private final Aggregator aggregator;
  private final WorkerShares shares;
  private final Reference reference;
  private final Schedule schedule;
  private final AdamW optimizer;

  /**
   * @param start what training goes on from; the optimizer's vectors are updated in place
   */
  AveragedGradients(
      TrainConfig config,
      BatchPlan plan,
      StepWork work,
      SplitRows rows,
      Aggregator aggregator,
      WorkerShares shares,
      Reference reference,
      TrainingState start) {
    this.config = config;
    this.plan = plan;
    this.work = work;
    this.rows = rows;
    this.aggregator = aggregator;
    this.shares = shares;
    this.reference = reference;
    this.schedule = StepMethod.schedule(config, plan.steps());
    this.optimizer =
        new AdamW(
            config.adamW(),
            start.progress().layout(),
            start.optimizer().get(FIRST_MOMENT),
            start.optimizer().get(SECOND_MOMENT),
            start.progress().step());
  }

  @Override
  public Advance advance(long number, FlatVector masters, double[] objectiveState) {
    long start = System.nanoTime();
    reference.before(number);
    BatchPlan.Step batch = plan.step(number);
    long version = number - 1;
    StepWork.Prepared prepared =
        work.prepare(
            number,
            batch.microBatches(),
            objectiveState,
            payloads -> aggregator.map(version, masters, payloads));
    StepResult result = aggregator.step(version, masters, prepared.gradients());
    shares.add(result.stats());
    double loss = 0;
    MetricSums metrics = new MetricSums();
    for (byte[] leaf : result.leaves()) {
      LeafResult read = StepMethod.leafResult(leaf);
      loss += read.loss();
      metrics.add(read.metrics());
    }
    long updateStart = System.nanoTime();
    double norm = GradientClip.norm(result.gradient(), UPDATE_THREADS);
    GradientClip.requireFinite(number, loss, norm);
    double learningRate = schedule.learningRate(number);
    optimizer.step(
        masters,
        result.gradient(),
        learningRate,
        GradientClip.factor(norm, config.maxGradNorm()),
        UPDATE_THREADS,
        // The version that workers read next is the reference's where it moves.
        reference.movesAfter(number) ? blocks -> {} : aggregator.announce(number, masters));
    reference.after(number, masters);
    long end = System.nanoTime();
    Map<String, Double> numbers = StepMethod.numbers(result.stats(), 1);
    numbers.put("computed_tokens", (double) rows.computedTokens(batch));
    numbers.put("update_seconds", (end - updateStart) / 1e9);
    numbers.put("step_seconds", (end - start) / 1e9);
    StepReport report = new StepReport(loss, norm, learningRate, batch.rows().length, numbers);
    return new Advance(List.of(new Done(batch, report, metrics)), prepared.stateAfter(), List.of());
  }
}

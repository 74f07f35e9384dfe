package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.aggregate.RoundStats;
import dev.collimate.aggregate.StepResult;
import dev.collimate.config.TrainConfig;
import dev.collimate.learn.AdamW;
import dev.collimate.learn.AdamWConfig;
import dev.collimate.learn.GradientClip;
import dev.collimate.learn.LeafResult;
import dev.collimate.learn.MetricSums;
import dev.collimate.learn.Schedule;
import dev.collimate.parameters.FlatVector;
import dev.collimate.train.LogWindow.StepReport;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The driver's loop: gives a global batch out, takes the gradient, clips, updates, and at the right
 * steps logs, evaluates and checkpoints. Everything that it reads between two steps is in the
 * {@link TrainingState}.
 */
final class Trainer {

  private static final int UPDATE_THREADS = Runtime.getRuntime().availableProcessors();

  /** What others do while training goes on. */
  interface Observer {

    /** A line of metrics. */
    void log(Map<String, Object> line);

    /** Asks for an evaluation of the weights after a step; its line goes to {@link #log}. */
    void evaluate(long step, double epoch, FlatVector parameters, double[] state);
  }

  private final TrainConfig config;
  private final BatchPlan plan;
  private final StepWork work;
  private final SplitRows rows;
  private final Aggregator aggregator;
  private final Admission admission;
  private final CheckpointWriter checkpoints;
  private final Observer observer;
  private final Schedule schedule;
  private final Map<String, Integer> leavesByWorker = new TreeMap<>();

  Trainer(
      TrainConfig config,
      BatchPlan plan,
      StepWork work,
      SplitRows rows,
      Aggregator aggregator,
      Admission admission,
      CheckpointWriter checkpoints,
      Observer observer) {
    this.config = config;
    this.plan = plan;
    this.work = work;
    this.rows = rows;
    this.aggregator = aggregator;
    this.admission = admission;
    this.checkpoints = checkpoints;
    this.observer = observer;
    this.schedule = schedule(config, plan.steps());
  }

  private static Schedule schedule(TrainConfig config, long steps) {
    long warmup =
        config.warmupSteps() > 0
            ? config.warmupSteps()
            : Schedule.warmupSteps(config.warmupRatio(), steps);
    return new Schedule(config.lrSchedulerType(), config.learningRate(), warmup, steps);
  }

  /**
   * Trains from a state to the last step and publishes the last checkpoint.
   *
   * @param start its vectors are updated in place
   * @return the state after the last step
   */
  TrainingState train(TrainingState start) {
    AdamW optimizer =
        new AdamW(
            new AdamWConfig(
                config.adamBeta1(), config.adamBeta2(), config.adamEpsilon(), config.weightDecay()),
            start.progress().layout(),
            start.firstMoment(),
            start.secondMoment(),
            start.progress().step());
    LogWindow window = LogWindow.restore(start.progress().window());
    double[] objectiveState = start.progress().objectiveStateArray();
    TrainingState state = start;
    for (long number = start.progress().step() + 1; number <= plan.steps(); number++) {
      BatchPlan.Step batch = plan.step(number);
      objectiveState = step(batch, optimizer, state.masters(), objectiveState, window);
      boolean last = number == plan.steps();
      if (last || number % config.loggingSteps() == 0) {
        observer.log(window.closeAt(number, batch.epochsDone()));
      }
      if (isDue(number, config.evalSteps()) && !last) {
        observer.evaluate(number, batch.epochsDone(), state.masters(), objectiveState);
      }
      state = after(batch, state, objectiveState, window);
      if (last || isDue(number, config.saveSteps())) {
        checkpoints.submit(state);
      }
    }
    checkpoints.await();
    return state;
  }

  /** Micro-batches whose gradients were taken, by worker, since this driver began. */
  Map<String, Integer> leavesByWorker() {
    return leavesByWorker;
  }

  private static boolean isDue(long step, int every) {
    return every > 0 && step % every == 0;
  }

  private double[] step(
      BatchPlan.Step batch,
      AdamW optimizer,
      FlatVector masters,
      double[] objectiveState,
      LogWindow window) {
    long start = System.nanoTime();
    long version = batch.number() - 1;
    StepWork.Prepared prepared =
        work.prepare(
            batch.number(),
            batch.microBatches(),
            objectiveState,
            payloads -> aggregator.map(version, masters, payloads));
    StepResult result = aggregator.step(version, masters, prepared.gradients());
    result
        .stats()
        .leavesByWorker()
        .forEach((place, leaves) -> leavesByWorker.merge(place.toString(), leaves, Integer::sum));
    double loss = 0;
    MetricSums metrics = new MetricSums();
    for (byte[] leaf : result.leaves()) {
      LeafResult read = leafResult(leaf);
      loss += read.loss();
      metrics.add(read.metrics());
    }
    long updateStart = System.nanoTime();
    double norm = GradientClip.norm(result.gradient(), UPDATE_THREADS);
    GradientClip.requireFinite(batch.number(), loss, norm);
    double learningRate = schedule.learningRate(batch.number());
    optimizer.step(
        masters,
        result.gradient(),
        learningRate,
        GradientClip.factor(norm, config.maxGradNorm()),
        UPDATE_THREADS);
    long end = System.nanoTime();
    Map<String, Double> numbers = numbers(batch, result.stats());
    numbers.put("update_seconds", (end - updateStart) / 1e9);
    numbers.put("step_seconds", (end - start) / 1e9);
    window.add(new StepReport(loss, norm, learningRate, batch.rows().length, numbers), metrics);
    return prepared.stateAfter();
  }

  private Map<String, Double> numbers(BatchPlan.Step batch, RoundStats stats) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    long computed = batch.microBatches().stream().mapToLong(rows::paddedTokens).sum();
    numbers.put("computed_tokens", (double) computed);
    numbers.put("compute_seconds", stats.computeSeconds());
    numbers.put("push_seconds", stats.pushSeconds());
    numbers.put("pull_seconds", stats.pullSeconds());
    numbers.put("workers", (double) stats.workers());
    numbers.put("releases", (double) stats.releases());
    return numbers;
  }

  private TrainingState after(
      BatchPlan.Step batch, TrainingState before, double[] objectiveState, LogWindow window) {
    List<Double> stateAfter = Arrays.stream(objectiveState).boxed().toList();
    TrainingState.Progress progress =
        new TrainingState.Progress(
            batch.number(),
            batch.epochsDone(),
            before.progress().identity(),
            before.progress().layout(),
            admission.numerics(),
            admission.exact(),
            stateAfter,
            window.save());
    return new TrainingState(
        progress, before.masters(), before.firstMoment(), before.secondMoment());
  }

  static LeafResult leafResult(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return LeafResult.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

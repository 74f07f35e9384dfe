package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Aggregator;
import dev.collimate.aggregate.StepResult;
import dev.collimate.config.TrainConfig;
import dev.collimate.config.TrainConfig.InnerState;
import dev.collimate.learn.GradientClip;
import dev.collimate.learn.MetricSums;
import dev.collimate.learn.NesterovMomentum;
import dev.collimate.learn.Schedule;
import dev.collimate.objective.Declaration;
import dev.collimate.parameters.FlatVector;
import dev.collimate.storage.PublishedFile;
import dev.collimate.train.LogWindow.StepReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * DiLoCo (Douillard et al. 2023, arXiv:2311.08105, Algorithm 1): a fixed number of logical replicas
 * take {@code sync_every} steps of AdamW each on their own share of the global batches, and send
 * how far they came; the mean of that is the gradient of a step with Nesterov momentum. A replica
 * is a leaf of the aggregator's round, so the result depends on the number of replicas and not on
 * workers, and one that is lost is computed again from the last synchronisation.
 */
final class LocalSteps implements StepMethod {

  private static final String VELOCITY = "outer_momentum";

  /** Names of the optimizer's vectors in checkpoints. */
  static final List<String> VECTORS = List.of(VELOCITY);

  private final TrainConfig config;
  private final int replicas;
  private final BatchPlan plan;
  private final StepWork work;
  private final SplitRows rows;
  private final Aggregator aggregator;
  private final WorkerShares shares;
  private final Schedule schedule;
  private final NesterovMomentum outer;
  private List<PublishedFile> moments;

  /**
   * @param start what training goes on from; the optimizer's vector is updated in place
   */
  LocalSteps(
      TrainConfig config,
      BatchPlan plan,
      StepWork work,
      SplitRows rows,
      Aggregator aggregator,
      WorkerShares shares,
      TrainingState start) {
    this.config = config;
    this.replicas = config.replicas().orElseThrow();
    this.plan = plan;
    this.work = work;
    this.rows = rows;
    this.aggregator = aggregator;
    this.shares = shares;
    this.schedule = StepMethod.schedule(config, plan.steps());
    this.outer =
        new NesterovMomentum(
            config.outerLearningRate(), config.outerMomentum(), start.optimizer().get(VELOCITY));
    this.moments = start.progress().replicas();
  }

  /**
   * Refuses an objective that couples the rows of a global batch, which no replica sees whole.
   *
   * @throws CollimateException of kind USAGE
   */
  static void requireUncoupled(Declaration objective) {
    if (objective.gathers() || !objective.initialState().isEmpty()) {
      throw CollimateException.usage(
          "train.sync_every: %s looks at the whole global batch in every step, which replicas with local steps do not;"
                  .formatted(objective.name())
              + " leave train.sync_every out");
    }
  }

  @Override
  public Advance advance(long first, FlatVector masters, double[] objectiveState) {
    long start = System.nanoTime();
    long done = first - 1;
    // Synchronisations stand at multiples of sync_every, wherever the run was resumed.
    long last = Math.min(plan.steps(), (done / config.syncEvery() + 1) * config.syncEvery());
    List<byte[]> leaves = new ArrayList<>();
    for (int replica = 0; replica < replicas; replica++) {
      leaves.add(work(replica, first, last, objectiveState).toBytes());
    }
    StepResult result = aggregator.step(first - 1, masters, leaves);
    shares.add(result.stats());
    List<ReplicaResult> results = result.leaves().stream().map(ReplicaResult::of).toList();
    long updateStart = System.nanoTime();
    double outerNorm = GradientClip.norm(result.gradient(), UPDATE_THREADS) / replicas;
    GradientClip.requireFinite(last, meanLoss(results, (int) (last - first)), outerNorm);
    outer.step(masters, result.gradient(), 1.0 / replicas, UPDATE_THREADS);
    moments = results.stream().flatMap(each -> each.moments().stream()).toList();
    long end = System.nanoTime();
    int count = (int) (last - first + 1);
    Map<String, Double> numbers = StepMethod.numbers(result.stats(), count);
    numbers.put("update_seconds", (end - updateStart) / 1e9 / count);
    numbers.put("step_seconds", (end - start) / 1e9 / count);
    List<Done> steps = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      steps.add(done(plan.step(first + i), i, results, numbers));
    }
    // What belongs to the synchronisation stands on its step.
    steps.subList(0, count - 1).forEach(step -> step.report().numbers().put("releases", 0.0));
    steps.get(count - 1).metrics().add("outer_grad_norm", outerNorm, 1);
    return new Advance(steps, objectiveState, moments);
  }

  private WorkItem.Local work(int replica, long first, long last, double[] objectiveState) {
    List<WorkItem.LocalStep> steps = new ArrayList<>();
    for (long number = first; number <= last; number++) {
      StepWork.Prepared share =
          work.prepare(
              number,
              plan.share(number, replica, replicas).microBatches(),
              objectiveState,
              payloads -> {
                throw new IllegalStateException("an objective that gathers has no local steps");
              });
      steps.add(
          new WorkItem.LocalStep(
              schedule.learningRate(number), share.context(), share.microBatches()));
    }
    boolean keeps = config.innerState() == InnerState.KEEP;
    return new WorkItem.Local(
        replica,
        first - 1,
        last,
        keeps && !moments.isEmpty() ? Optional.of(moments.get(replica)) : Optional.empty(),
        keeps ? plan.sharesTaken(first - 1, replica) : 0,
        steps);
  }

  /** What the replicas say of one step: means over those that had rows. */
  private Done done(
      BatchPlan.Step batch, int index, List<ReplicaResult> results, Map<String, Double> numbers) {
    double norm = 0;
    int took = 0;
    MetricSums metrics = new MetricSums();
    for (ReplicaResult replica : results) {
      Optional<ReplicaResult.Step> step = replica.steps().get(index);
      if (step.isPresent()) {
        norm += step.get().gradNorm();
        metrics.add(step.get().result().metrics());
        took++;
      }
    }
    Map<String, Double> ofStep = new LinkedHashMap<>(numbers);
    double computed = 0;
    for (int replica = 0; replica < replicas; replica++) {
      computed += rows.computedTokens(plan.share(batch.number(), replica, replicas));
    }
    ofStep.put("computed_tokens", computed);
    StepReport report =
        new StepReport(
            meanLoss(results, index),
            norm / took,
            schedule.learningRate(batch.number()),
            batch.rows().length,
            ofStep);
    return new Done(batch, report, metrics);
  }

  private static double meanLoss(List<ReplicaResult> results, int index) {
    return results.stream()
        .flatMap(replica -> replica.steps().get(index).stream())
        .mapToDouble(step -> step.result().loss())
        .average()
        .orElseThrow();
  }
}

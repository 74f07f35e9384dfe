package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.config.RunConfig;
import dev.collimate.data.PhasedOrder;
import dev.collimate.data.PreparedData;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.RowFacts;
import dev.collimate.data.RowOrder;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Online;
import dev.collimate.parameters.FlatVector;
import dev.collimate.reference.ReferenceValues;
import dev.collimate.report.MetricsLog;
import dev.collimate.report.RunManifest;
import dev.collimate.storage.RunLock;
import dev.collimate.storage.Storage;
import dev.collimate.train.TrainingState.Progress;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Training and evaluation: one set of workers serves both. */
final class TrainStage {

  private static final Logger log = LoggerFactory.getLogger(TrainStage.class);

  /**
   * What training reads of the reference model.
   *
   * @param values by split; none where the objective reads none
   * @param numerics the fingerprint of the executors that computed them; the workers' must be the
   *     same
   * @param exact whether all of them had it
   */
  record Reference(
      Map<Split, ReferenceValues> values, Map<String, String> numerics, boolean exact) {
    static final Reference NONE = new Reference(Map.of(), Map.of(), /* exact= */ true);
  }

  private final JavaSparkContext spark;
  private final RunConfig run;
  private final RunDirectory directory;
  private final PolicySource policy;
  private final PreparedData data;
  private final Objective objective;
  private final Reference reference;
  private final RunProgress progress;
  private final Configuration configuration;
  private final Storage storage;
  private final MovedValues trainValues;
  private final MovedValues evalValues;
  private final SplitRows trainRows;
  private final SplitRows evalRows;
  private final BatchPlan plan;
  private final Optional<RolloutPlan> rollouts;
  private final long steps;
  private final Map<String, Object> numbers = new LinkedHashMap<>();

  TrainStage(
      JavaSparkContext spark,
      RunConfig run,
      RunDirectory directory,
      PolicySource policy,
      PreparedData data,
      Objective objective,
      Map<Split, RowFacts> facts,
      Reference reference,
      RunProgress progress) {
    this.spark = spark;
    this.run = run;
    this.directory = directory;
    this.policy = policy;
    this.data = data;
    this.objective = objective;
    this.reference = reference;
    this.progress = progress;
    this.configuration = spark.hadoopConfiguration();
    this.storage = Storage.of(directory.root(), configuration);
    this.trainValues = values(reference.values().get(Split.TRAIN));
    this.evalValues = values(reference.values().get(Split.EVAL));
    this.trainRows = rows(facts.get(Split.TRAIN), trainValues);
    this.evalRows = rows(facts.get(Split.EVAL), evalValues);
    RowFacts prompts = facts.get(Split.TRAIN);
    this.rollouts =
        objective instanceof Online
            ? Optional.of(RolloutPlan.of(run, prompts.count(), order(prompts), trainRows::length))
            : Optional.empty();
    this.plan = rollouts.map(RolloutPlan::prompts).orElseGet(() -> plan(prompts));
    this.steps = rollouts.map(RolloutPlan::steps).orElseGet(plan::steps);
    if (run.train().hasLocalSteps()) {
      LocalSteps.requireUncoupled(objective.declaration());
    }
  }

  /**
   * @param values null where the objective reads none
   */
  private static MovedValues values(ReferenceValues values) {
    return new MovedValues(values == null ? SplitRows.References.NONE : values::of);
  }

  private SplitRows rows(RowFacts facts, MovedValues values) {
    return new SplitRows(
        facts,
        objective instanceof Online ? data.index().roles() : objective.declaration().roles(),
        data.index().scalars(),
        values,
        run.train().sharing());
  }

  private IntFunction<int[]> order(RowFacts facts) {
    IntFunction<int[]> mixed =
        epoch ->
            run.data().shuffle()
                ? RowOrder.permutation(run.seed(), epoch, facts)
                : IntStream.range(0, facts.count()).toArray();
    Optional<PhasedOrder> phases =
        objective.declaration().progression().map(by -> PhasedOrder.of(by, run.seed(), facts));
    return phases.isEmpty() ? mixed : epoch -> phases.get().of(epoch, mixed.apply(epoch));
  }

  private BatchPlan plan(RowFacts facts) {
    int batch = run.train().globalBatchSize();
    IntFunction<int[]> order = order(facts);
    int rows = order.apply(0).length;
    long steps =
        run.train().maxSteps().isPresent()
            ? run.train().maxSteps().getAsInt()
            : BatchPlan.stepsForEpochs(run.train().numTrainEpochs(), rows, batch);
    return new BatchPlan(
        rows, batch, run.train().microBatchSize(), steps, order, trainRows::length);
  }

  /**
   * Trains what is left to train, publishes the result, and evaluates it as it was saved.
   *
   * @param evaluates whether to go on to the evaluation
   */
  void run(RunRecord record, RunLock lock, boolean evaluates) throws IOException {
    boolean trained = storage.exists(new Path(policy.directory(directory), policy.lastFile()));
    boolean evaluated = record.manifest().evaluation().containsKey(RunManifest.AFTER);
    boolean recorded = !record.manifest().training().isEmpty();
    boolean isLeft = evaluates && !evaluated && evalRows.count() > 0;
    if (trained && recorded && !isLeft) {
      log.info("{} is trained{}", directory.root(), evaluated ? " and evaluated" : "");
      return;
    }
    CheckpointStore checkpoints = new CheckpointStore(directory, configuration, lock::requireOwned);
    TrainingState state = start(checkpoints);
    if (trained && !recorded && state.progress().step() == steps) {
      // The driver before ended between the publication and the manifest.
      record(record, state.progress(), best(checkpoints));
    }
    if (trained && !isLeft) {
      return;
    }
    try (HeldOpen online = online(lock);
        TrainingSession session =
            TrainingSession.open(
                spark,
                run,
                policy,
                data,
                state.progress().numerics(),
                beginning().isExact(state.progress()))) {
      Optional<MovingReference> moving = moving(session, state);
      HeldOut measured =
          new HeldOut(
              run,
              policy,
              session.aggregator(),
              record,
              evalRows,
              evaluation(online, session.aggregator()),
              moving,
              state.progress().objectiveStateArray(),
              progress);
      if (!trained) {
        state = train(online, session, checkpoints, measured, moving, state);
      }
      OptionalLong best = best(checkpoints);
      TrainingState result = BestCheckpoint.result(best, checkpoints, state);
      if (!trained) {
        policy.publish(
            directory,
            OwnPart.without(result.masters(), policy.layout().size()),
            run.saveDtype(),
            lock::requireOwned);
        record(record, state.progress(), best);
      }
      if (evaluates && evalRows.count() > 0) {
        measured.after(
            steps,
            OwnPart.behind(policy.published(directory), result.masters()),
            result.progress().objectiveStateArray());
      }
    }
  }

  /** The step of the checkpoint that is published instead of the last one; empty: the last. */
  private OptionalLong best(CheckpointStore checkpoints) throws IOException {
    return BestCheckpoint.step(
        run.train(), () -> MetricsLog.read(storage, directory.metrics()), checkpoints);
  }

  /** What an online objective needs on the driver, while there are workers. */
  private record HeldOpen(Optional<OnlineRun> run) implements AutoCloseable {
    @Override
    public void close() {
      run.ifPresent(OnlineRun::close);
    }
  }

  private HeldOpen online(RunLock lock) throws IOException {
    if (!(objective instanceof Online onlineObjective)) {
      return new HeldOpen(Optional.empty());
    }
    return new HeldOpen(
        Optional.of(
            OnlineRun.open(
                run,
                directory,
                configuration,
                data,
                onlineObjective,
                policy.tokenizer(),
                lock::requireOwned)));
  }

  private Evaluation evaluation(HeldOpen online, Aggregator aggregator) {
    return online
        .run()
        .map(open -> open.evaluation(aggregator, evalRows.count()))
        .orElseGet(
            () ->
                new RowEvaluation(
                    new StepWork(objective, evalRows, run.seed()), evalRows, aggregator));
  }

  /** What training goes on from: the newest checkpoint, or the beginning. */
  TrainingState start(CheckpointStore checkpoints) throws IOException {
    return beginning().state(checkpoints);
  }

  private TrainingStart beginning() {
    return new TrainingStart(run, directory, policy, objective, trainRows, reference);
  }

  private TrainingState train(
      HeldOpen online,
      TrainingSession session,
      CheckpointStore checkpoints,
      HeldOut measured,
      Optional<MovingReference> moving,
      TrainingState start)
      throws IOException {
    progress.stage("train");
    MetricsLog metrics = MetricsLog.resume(storage, directory.metrics(), start.progress().step());
    if (start.progress().step() == 0) {
      measured.before(start.masters());
      BestCheckpoint.of(run.train()).ifPresent(measured::requireMetric);
    }
    progress.training(start.progress().step() + 1, steps);
    try (CheckpointWriter writer = new CheckpointWriter(checkpoints, run.train(), metrics)) {
      WorkerShares shares = new WorkerShares();
      Trainer trainer =
          new Trainer(
              run.train(),
              steps,
              method(
                  online,
                  session,
                  shares,
                  moving.isPresent() ? moving.get() : StepMethod.Reference.STAYS,
                  start),
              session,
              writer,
              new ReplicaStore(directory, configuration),
              observer(metrics, measured));
      TrainingState end = trainer.train(start);
      numbers.put("resumed_from_step", start.progress().step());
      numbers.put("leaves_by_worker", shares.leavesByWorker());
      return end;
    }
  }

  private Optional<MovingReference> moving(TrainingSession session, TrainingState start) {
    return objective
        .declaration()
        .sync()
        .map(
            sync ->
                new MovingReference(
                    sync,
                    plan,
                    start.optimizer().get(MovingReference.VECTOR),
                    objective.declaration().reference(),
                    trainValues,
                    evalValues,
                    session.aggregator()));
  }

  private StepMethod method(
      HeldOpen online,
      TrainingSession session,
      WorkerShares shares,
      StepMethod.Reference moving,
      TrainingState start) {
    StepWork work = new StepWork(objective, trainRows, run.seed());
    if (run.train().hasLocalSteps()) {
      warnOfIdleWorkers();
      return new LocalSteps(
          run.train(), plan, work, trainRows, session.aggregator(), shares, start);
    }
    GradientSteps gradients =
        new GradientSteps(run.train(), steps, session.aggregator(), shares, moving, start);
    if (online.run().isPresent()) {
      return online
          .run()
          .get()
          .steps(
              rollouts.orElseThrow(), session.aggregator(), gradients, start.progress().prompts());
    }
    return new AveragedGradients(plan, work, trainRows, session.aggregator(), moving, gradients);
  }

  private void warnOfIdleWorkers() {
    int replicas = run.train().replicas().orElseThrow();
    if (replicas < run.cluster().workers()) {
      log.warn(
          "train.replicas: {} replicas keep only as many of cluster.workers: {} busy",
          replicas,
          run.cluster().workers());
    }
  }

  private Trainer.Observer observer(MetricsLog metrics, HeldOut measured) {
    return new Trainer.Observer() {
      @Override
      public void log(Map<String, Object> line) {
        Map<String, Double> means = new LinkedHashMap<>();
        line.forEach(
            (name, value) -> {
              if (value instanceof Double mean) {
                means.put(name, mean);
              }
            });
        line.putAll(objective.summary(means));
        metrics.add(line);
        progress.line(line);
      }

      @Override
      public void evaluate(long step, double epoch, FlatVector parameters, double[] state) {
        if (evalRows.count() > 0) {
          Map<String, Object> line = new LinkedHashMap<>();
          line.put("step", step);
          line.put("epoch", epoch);
          line.putAll(measured.evaluate(step, step, parameters, state));
          log(line);
        }
      }
    };
  }

  /** What the published result took, from the state after the last step. */
  private void record(RunRecord record, Progress end, OptionalLong best) {
    best.ifPresent(step -> numbers.put("best_step", step));
    numbers.put("steps", end.step());
    numbers.put("epochs", end.epoch());
    numbers.put("rows", trainRows.count());
    int reached =
        end.prompts().isEmpty() ? plan.rowsReached() : PromptSampler.reached(end.prompts());
    numbers.put("rows_trained", reached);
    numbers.put("rows_not_reached", trainRows.count() - reached);
    record.update(
        manifest ->
            manifest
                .withTraining(numbers, end.numerics(), end.exact())
                .withState(RunManifest.State.TRAINED, RunManifest.Failure.NONE));
  }
}

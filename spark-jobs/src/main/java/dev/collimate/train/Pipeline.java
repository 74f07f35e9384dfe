package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.RunConfig;
import dev.collimate.data.Prepare;
import dev.collimate.data.PreparedData;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.RowFacts;
import dev.collimate.executor.ExecutorDevices;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.reference.ReferenceJob;
import dev.collimate.reference.ReferenceSource;
import dev.collimate.reference.ReferenceValues;
import dev.collimate.report.MetricsLog;
import dev.collimate.report.ReportPage;
import dev.collimate.report.RunManifest;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.RunLock;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run: prepare, reference, train, evaluate, report. What an earlier attempt finished is found and
 * skipped; an interrupted stage goes on.
 */
public final class Pipeline {

  /** The stages in order; each brings those before it. */
  public enum Stage {
    PREPARE,
    REFERENCE,
    TRAIN,
    EVALUATE,
    REPORT
  }

  /** Completions of the last rollout that the report shows. */
  private static final int ROLLOUTS_SHOWN = 16;

  private static final Logger log = LoggerFactory.getLogger(Pipeline.class);

  private final SparkSession session;
  private final JavaSparkContext spark;
  private final RunConfig run;
  private final RunDirectory directory;
  private final Configuration configuration;
  private final RunProgress progress;

  /**
   * @param session stays open
   */
  public Pipeline(SparkSession session, RunConfig run, RunProgress progress) {
    this.session = session;
    this.spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    this.configuration = spark.hadoopConfiguration();
    this.run = run.located((key, location) -> Storage.absolute(key, location, configuration));
    this.directory = new RunDirectory(this.run.output());
    this.progress = progress;
  }

  /**
   * Runs the stages up to and with the one given.
   *
   * @return the manifest as it stands then
   * @throws CollimateException with what failed; the manifest says it too
   */
  public RunManifest run(Stage last) throws IOException, InterruptedException {
    try (PolicySource policy = PolicySource.open(run, configuration);
        RunLock lock = lock()) {
      RunRecord record = open(policy, lock);
      try {
        stages(last, policy, record, lock);
        return record.manifest();
      } catch (CollimateException e) {
        fail(record, e.kind(), e.getMessage());
        throw e;
      } catch (IOException | RuntimeException | Error e) {
        String sentence = e.getMessage() == null ? e.toString() : e.getMessage();
        fail(record, CollimateException.Kind.INTERNAL, sentence);
        throw e;
      }
    }
  }

  private RunLock lock() throws IOException, InterruptedException {
    return lock(session, directory);
  }

  static RunLock lock(SparkSession session, RunDirectory directory)
      throws IOException, InterruptedException {
    int attempt = 1;
    if (session.sparkContext().applicationAttemptId().isDefined()) {
      String digits =
          session.sparkContext().applicationAttemptId().get().replaceAll("^.*\\D(?=\\d+$)", "");
      attempt = digits.matches("\\d{1,9}") ? Integer.parseInt(digits) : 1;
    }
    return RunLock.acquire(
        directory.root(),
        session.sparkContext().hadoopConfiguration(),
        session.sparkContext().applicationId(),
        attempt,
        Clock.systemUTC());
  }

  private RunRecord open(PolicySource policy, RunLock lock) throws IOException {
    return open(session, run, policy, lock);
  }

  /** Opens the record of the run, or begins it. */
  static RunRecord open(SparkSession session, RunConfig run, PolicySource policy, RunLock lock)
      throws IOException {
    Configuration configuration = session.sparkContext().hadoopConfiguration();
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("path", run.model());
    model.putAll(policy.fingerprints());
    if (ReferenceSource.isFolder(run)) {
      model.put(
          RunRecord.REFERENCE_FINGERPRINT,
          ReferenceSource.of(run, configuration).modelFingerprint());
    }
    model.put("parameters", policy.model().layout().parameters().size());
    model.put("trained_parameters", policy.layout().size());
    return RunRecord.open(
        run,
        new RunDirectory(run.output()),
        configuration,
        lock::requireOwned,
        RunManifest.started(RunRecord.versions(session.version()), run.resolved(), model));
  }

  /** Says in the manifest why the run failed. */
  static void fail(RunRecord record, CollimateException.Kind kind, String sentence) {
    RunManifest.Failure failure = new RunManifest.Failure(kind.exitCode(), kind.name(), sentence);
    try {
      record.update(manifest -> manifest.withState(RunManifest.State.FAILED, failure));
    } catch (RuntimeException e) {
      log.warn("The manifest cannot say why the run failed", e);
    }
  }

  private void stages(Stage last, PolicySource policy, RunRecord record, RunLock lock)
      throws IOException {
    if (last != Stage.PREPARE) {
      ExecutorDevices.require(
          spark,
          run.cluster().device(),
          run.cluster().threads(),
          MemoryPlan.of(run, policy, configuration).workerGpu());
      record.holdRewards(OnlineRun.requireRewards(run, configuration));
    }
    progress.stage("prepare");
    PreparedData data = Prepare.run(session, run, lock::requireOwned);
    record.update(manifest -> manifest.withAccounting(data.index().accounting()));
    if (last == Stage.PREPARE) {
      return;
    }
    Objective objective =
        Objectives.create(run.objective().name(), run.objective().options())
            .over(data.trainingSet(OwnPart.sizes(run, policy.model().config(), configuration)));
    objective.warnings().forEach(log::warn);
    Map<Split, RowFacts> facts = new EnumMap<>(Split.class);
    for (Split split : Split.values()) {
      facts.put(split, RowFacts.load(data, split, configuration));
    }
    requireReadable(policy, data, facts);
    TrainStage.Reference reference = TrainStage.Reference.NONE;
    ReferenceUse use = objective.declaration().reference();
    if (use != ReferenceUse.NONE && !objective.declaration().isOnline()) {
      progress.stage("reference");
      reference = reference(data, facts, objective.declaration());
    }
    if (last == Stage.REFERENCE) {
      return;
    }
    TrainStage train =
        new TrainStage(spark, run, directory, policy, data, objective, facts, reference, progress);
    train.run(record, lock, last != Stage.TRAIN);
    if (last == Stage.REPORT || last == Stage.EVALUATE) {
      progress.stage("report");
      report(record, lock, data);
    }
  }

  private void report(RunRecord record, RunLock lock, PreparedData data) throws IOException {
    Storage storage = Storage.of(directory.root(), configuration);
    CheckpointStore checkpoints = new CheckpointStore(directory, configuration, lock::requireOwned);
    List<PublishedFile> files = RunFiles.list(storage, directory, data, checkpoints);
    // The page lists all files but itself.
    RunManifest complete =
        record
            .manifest()
            .withFiles(files)
            .withState(RunManifest.State.COMPLETE, RunManifest.Failure.NONE);
    String page =
        ReportPage.html(
            complete,
            MetricsLog.read(storage, directory.metrics()),
            new RolloutLog(directory, configuration).last(ROLLOUTS_SHOWN));
    lock.requireOwned();
    storage.replace(directory.report(), page.getBytes(StandardCharsets.UTF_8));
    List<PublishedFile> all = new ArrayList<>(files);
    all.add(Publication.measure(storage, directory.root(), directory.report().getName()));
    all.sort(Comparator.comparing(PublishedFile::name));
    record.update(manifest -> complete.withFiles(all));
  }

  private void requireReadable(PolicySource policy, PreparedData data, Map<Split, RowFacts> facts)
      throws IOException {
    int completion = run.rewards().isEmpty() ? 0 : run.rollout().maxCompletionLength();
    new LearnedPositions("model", policy.model().config(), completion)
        .requireRoom(data, facts, configuration);
    if (policy.valueModel().isPresent()) {
      new LearnedPositions(ValueFolder.KEY, policy.valueModel().get().config(), completion)
          .requireRoom(data, facts, configuration);
    }
    if (ReferenceSource.isFolder(run)) {
      ModelConfig config =
          ModelConfig.read(
              HadoopFolder.open("reference_model", run.referenceModel(), configuration));
      new LearnedPositions("reference_model", config, completion)
          .requireRoom(data, facts, configuration);
    }
  }

  private TrainStage.Reference reference(
      PreparedData data, Map<Split, RowFacts> facts, Declaration objective) throws IOException {
    Map<Split, ReferenceValues> values = new EnumMap<>(Split.class);
    ReferenceJob job = ReferenceJob.of(session, run, objective.reference());
    boolean exact = true;
    for (Split split : Split.values()) {
      ReferenceJob.Result result = job.run(data, split, facts.get(split), objective.referenced());
      log.info(
          "Reference of {}: {} rows computed, {} reused",
          split,
          result.computed(),
          result.reused());
      values.put(split, result.values());
      exact &= result.exact();
    }
    return new TrainStage.Reference(values, job.numerics().facts(), exact);
  }
}

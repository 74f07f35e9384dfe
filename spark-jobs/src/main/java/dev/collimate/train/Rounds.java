package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.config.AdapterSection;
import dev.collimate.config.RunConfig;
import dev.collimate.executor.ModelSpec;
import dev.collimate.reference.ReferenceSource;
import dev.collimate.report.RunManifest;
import dev.collimate.storage.RunLock;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/**
 * Iterated training on pairs that the policy makes itself (iterative DPO; Xu et al. 2023,
 * arXiv:2312.16682; Yuan et al. 2024, arXiv:2401.10020): in every round the policy completes the
 * prompts, rewards score the completions, the best and the worst of each prompt are a pair, and the
 * run's objective trains on the pairs. Each training is a run of its own below the output, {@code
 * round-1} and so on, which starts from the one before; its reference {@code initial} is the policy
 * that the round starts from. What is finished is found and skipped, so an interrupted run goes on
 * at the step where it was.
 */
public final class Rounds {

  private final SparkSession session;
  private final RunConfig run;
  private final RunDirectory directory;
  private final Configuration configuration;
  private final RunProgress progress;

  /**
   * @param session stays open
   */
  public Rounds(SparkSession session, RunConfig run, RunProgress progress) {
    this.session = session;
    this.configuration = session.sparkContext().hadoopConfiguration();
    this.run = run.located((key, location) -> Storage.absolute(key, location, configuration));
    this.directory = new RunDirectory(this.run.output());
    this.progress = progress;
  }

  /**
   * Runs all rounds.
   *
   * @return the manifest, whose training numbers are those of the rounds
   * @throws CollimateException with what failed; the manifest says it too
   */
  public RunManifest run() throws IOException, InterruptedException {
    try (PolicySource policy = PolicySource.open(run, configuration);
        RunLock lock = Pipeline.lock(session, directory)) {
      RunRecord record = Pipeline.open(session, run, policy, lock);
      try {
        rounds(record, lock);
        return record.manifest();
      } catch (CollimateException e) {
        Pipeline.fail(record, e.kind(), e.getMessage());
        throw e;
      } catch (IOException | RuntimeException | Error e) {
        String sentence = e.getMessage() == null ? e.toString() : e.getMessage();
        Pipeline.fail(record, CollimateException.Kind.INTERNAL, sentence);
        throw e;
      }
    }
  }

  private void rounds(RunRecord record, RunLock lock) throws IOException, InterruptedException {
    record.holdRewards(OnlineRun.requireRewards(run, configuration));
    Map<String, Object> numbers = new LinkedHashMap<>();
    numbers.put("rounds", run.rounds());
    boolean exact = true;
    for (int round = 1; round <= run.rounds(); round++) {
      RunConfig training = training(round);
      ModelSpec policy = ReferenceSource.initial(training, configuration);
      RoundPairs pairs = new RoundPairs(session, run, folder(round), lock::requireOwned);
      progress.stage("round " + round + ": pairs");
      for (Map.Entry<String, Object> fact : pairs.make(round, policy).entrySet()) {
        numbers.put("round_" + round + "/" + fact.getKey(), fact.getValue());
      }
      RunManifest trained = new Pipeline(session, training, progress).run(Pipeline.Stage.REPORT);
      numbers.put("round_" + round + "/steps", trained.training().get("steps"));
      exact &= trained.exact();
      boolean isExact = exact;
      record.update(manifest -> manifest.withTraining(numbers, trained.numerics(), isExact));
    }
    record.update(
        manifest -> manifest.withState(RunManifest.State.COMPLETE, RunManifest.Failure.NONE));
  }

  /** The run that trains in a round. */
  private RunConfig training(int round) {
    RunDirectory before = new RunDirectory(output(round - 1));
    boolean isFirst = round == 1;
    Optional<AdapterSection> adapter =
        isFirst
            ? run.adapter()
            : run.adapter().map(section -> section.continuedFrom(before.adapter().toString()));
    String model = isFirst || run.adapter().isPresent() ? run.model() : before.model().toString();
    return run.ofRound(output(round), RoundPairs.pairs(folder(round)).toString(), model, adapter);
  }

  private String output(int round) {
    return new Path(directory.root(), "round-" + round).toString();
  }

  /** Where a round's completions and pairs lie. */
  private Path folder(int round) {
    return new Path(directory.root(), "round-" + round + "-pairs");
  }
}

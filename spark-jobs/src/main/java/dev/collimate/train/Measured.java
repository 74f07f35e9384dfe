package dev.collimate.train;

import dev.collimate.config.RunConfig;
import dev.collimate.objective.Objective;
import dev.collimate.parameters.FlatVector;
import dev.collimate.report.RunManifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is measured on the held-out rows before training and of the saved result. */
final class Measured {

  private final RunConfig run;
  private final RunDirectory directory;
  private final PolicySource policy;
  private final Objective objective;
  private final SplitRows evalRows;
  private final long steps;
  private final RunProgress progress;
  private final RunRecord record;
  private final TrainingSession session;
  private final Evaluation evaluation;
  private final Optional<MovingReference> moving;
  private final double[] initialState;

  /**
   * @param steps of the whole run
   * @param moving the reference, where it follows the policy
   */
  Measured(
      RunConfig run,
      RunDirectory directory,
      PolicySource policy,
      Objective objective,
      SplitRows evalRows,
      long steps,
      RunProgress progress,
      RunRecord record,
      TrainingSession session,
      Optional<MovingReference> moving,
      TrainingState start) {
    this.run = run;
    this.directory = directory;
    this.policy = policy;
    this.objective = objective;
    this.evalRows = evalRows;
    this.steps = steps;
    this.progress = progress;
    this.record = record;
    this.session = session;
    this.moving = moving;
    this.evaluation =
        new Evaluation(
            new StepWork(objective, evalRows, run.seed()), evalRows, session.aggregator());
    this.initialState = start.progress().objectiveStateArray();
  }

  /** Metrics of a version of the parameters, after so many steps. */
  Map<String, Object> evaluate(long step, long version, FlatVector parameters, double[] state) {
    moving.ifPresent(reference -> reference.beforeEvaluation(step, evalRows.count()));
    return evaluation.run(version, parameters, state);
  }

  void before(TrainingState start) {
    if (evalRows.count() == 0) {
      return;
    }
    progress.stage("evaluate");
    Map<String, Object> metrics = evaluate(0, 0, start.masters(), initialState);
    List<RunManifest.Sample> samples =
        samples(0, start.masters()).stream()
            .map(sample -> new RunManifest.Sample(sample.prompt(), sample.text(), ""))
            .toList();
    record.update(
        manifest -> manifest.withEvaluation(Map.of(RunManifest.BEFORE, metrics), samples));
  }

  void after(TrainingState state) {
    progress.stage("evaluate");
    FlatVector saved = OwnPart.behind(policy.published(directory), state.masters());
    // A version of its own: saving may have rounded the weights of the last step.
    long version = steps + 1;
    Map<String, Map<String, Object>> metrics = new LinkedHashMap<>(record.manifest().evaluation());
    metrics.put(
        RunManifest.AFTER, evaluate(steps, version, saved, state.progress().objectiveStateArray()));
    List<RunManifest.Sample> before = record.manifest().samples();
    List<Samples.Completion> completions = samples(version, saved);
    List<RunManifest.Sample> samples = new ArrayList<>();
    for (int i = 0; i < completions.size(); i++) {
      String earlier = i < before.size() ? before.get(i).before() : "";
      samples.add(
          new RunManifest.Sample(completions.get(i).prompt(), earlier, completions.get(i).text()));
    }
    record.update(manifest -> manifest.withEvaluation(metrics, samples));
  }

  private List<Samples.Completion> samples(long version, FlatVector parameters) {
    if (run.report().samples() == 0 || objective.declaration().scores() > 0) {
      return List.of();
    }
    try (TokenizerIfAny tokenizer = TokenizerIfAny.of(policy)) {
      return new Samples(
              evalRows,
              session.aggregator(),
              tokenizer.tokenizer(),
              run.report().samples(),
              run.report().maxNewTokens())
          .complete(version, parameters);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

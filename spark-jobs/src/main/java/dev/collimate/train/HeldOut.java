package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Aggregator;
import dev.collimate.config.RunConfig;
import dev.collimate.parameters.FlatVector;
import dev.collimate.report.RunManifest;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is measured on the held-out rows before training and of the saved result. */
final class HeldOut {

  private final RunConfig run;
  private final PolicySource policy;
  private final Aggregator aggregator;
  private final RunRecord record;
  private final SplitRows rows;
  private final Evaluation evaluation;
  private final Optional<MovingReference> moving;
  private final double[] initialState;
  private final RunProgress progress;

  /**
   * @param moving the reference, where it follows the policy
   * @param initialState the objective's
   */
  HeldOut(
      RunConfig run,
      PolicySource policy,
      Aggregator aggregator,
      RunRecord record,
      SplitRows rows,
      Evaluation evaluation,
      Optional<MovingReference> moving,
      double[] initialState,
      RunProgress progress) {
    this.run = run;
    this.policy = policy;
    this.aggregator = aggregator;
    this.record = record;
    this.rows = rows;
    this.evaluation = evaluation;
    this.moving = moving;
    this.initialState = initialState;
    this.progress = progress;
  }

  /** Metrics of a version of the parameters, after so many steps. */
  Map<String, Object> evaluate(long step, long version, FlatVector parameters, double[] state) {
    moving.ifPresent(reference -> reference.beforeEvaluation(step, rows.count()));
    return evaluation.run(version, parameters, state);
  }

  /** Measures the weights that training starts from. */
  void before(FlatVector masters) {
    if (rows.count() == 0) {
      return;
    }
    progress.stage("evaluate");
    Map<String, Object> metrics = evaluate(0, 0, masters, initialState);
    List<RunManifest.Sample> samples =
        samples(0, masters).stream()
            .map(sample -> new RunManifest.Sample(sample.prompt(), sample.text(), ""))
            .toList();
    record.update(
        manifest -> manifest.withEvaluation(Map.of(RunManifest.BEFORE, metrics), samples));
  }

  /** Refuses a metric that the evaluation before training has not. */
  void requireMetric(BestCheckpoint best) {
    if (rows.count() == 0) {
      throw CollimateException.data(
          "train.load_best_model_at_end: no row was held out; give data.eval, or a greater data.eval_fraction");
    }
    best.requireIn(record.manifest().evaluation().get(RunManifest.BEFORE));
  }

  /**
   * Measures the result.
   *
   * @param steps of the whole run
   * @param saved its weights as they were saved
   * @param state the objective's after the last step
   */
  void after(long steps, FlatVector saved, double[] state) {
    progress.stage("evaluate");
    // A version of its own: saving may have rounded the weights of the last step.
    long version = steps + 1;
    Map<String, Map<String, Object>> metrics = new LinkedHashMap<>(record.manifest().evaluation());
    metrics.put(RunManifest.AFTER, evaluate(steps, version, saved, state));
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
    if (run.report().samples() == 0 || policy.model().config().isClassifier()) {
      return List.of();
    }
    Optional<Tokenizer> tokenizer = tokenizer();
    try {
      return new Samples(
              rows, aggregator, tokenizer, run.report().samples(), run.report().maxNewTokens())
          .complete(version, parameters);
    } finally {
      tokenizer.ifPresent(Tokenizer::close);
    }
  }

  private Optional<Tokenizer> tokenizer() {
    try {
      return policy.tokenizer();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

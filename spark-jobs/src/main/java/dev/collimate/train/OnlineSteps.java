package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.learn.LearnRow;
import dev.collimate.learn.MetricSums;
import dev.collimate.objective.Assessment;
import dev.collimate.objective.Judged;
import dev.collimate.objective.Online;
import dev.collimate.objective.RowInputs;
import dev.collimate.objective.Sampled;
import dev.collimate.online.SamplerCorrection;
import dev.collimate.parameters.FlatVector;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.reward.Rewards;
import dev.collimate.reward.RowReward;
import dev.collimate.text.Sequence;
import dev.collimate.train.OnlineWork.Reading;
import dev.collimate.train.Rollouts.Completed;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Steps on completions that the policy itself writes: a rollout, its rewards, what the objective
 * makes of them, and the optimizer steps that the rollout serves. Weights are checkpointed between
 * rollouts alone, so that a run that is resumed writes the rollout under way again, with the same
 * draws from the same weights; rewards that were asked for are read from their journal.
 */
final class OnlineSteps implements StepMethod {

  private static final Logger logger = LoggerFactory.getLogger(OnlineSteps.class);

  /** Completions of a lease without a gradient; each runs by itself. */
  private static final int ROWS_PER_LEASE = 8;

  private final Online objective;
  private final RolloutPlan plan;
  private final Optional<PromptSampler> sampler;
  private final long seed;
  private final PromptRows prompts;
  private final Completer completer;
  private final Optional<SamplerCorrection> correction;
  private final Rewards rewards;
  private final RolloutLog log;
  private final Aggregator aggregator;
  private final GradientSteps gradients;

  /**
   * @param sampler empty where prompts are taken in turn
   * @param seed the run's
   * @param completer gives as many completions of a prompt as the plan has
   * @param correction of completions that the policy did not draw; none where it did
   * @param rewards with the run's journal
   */
  OnlineSteps(
      Online objective,
      RolloutPlan plan,
      Optional<PromptSampler> sampler,
      long seed,
      PromptRows prompts,
      Completer completer,
      Optional<SamplerCorrection> correction,
      Rewards rewards,
      RolloutLog log,
      Aggregator aggregator,
      GradientSteps gradients) {
    this.objective = objective;
    this.plan = plan;
    this.sampler = sampler;
    this.seed = seed;
    this.prompts = prompts;
    this.completer = completer;
    this.correction = correction;
    this.rewards = rewards;
    this.log = log;
    this.aggregator = aggregator;
    this.gradients = gradients;
  }

  @Override
  public Advance advance(long first, FlatVector masters, double[] objectiveState) {
    long start = System.nanoTime();
    long released = aggregator.releasesOfMaps();
    RolloutPlan.Rollout planned = plan.rollout(first);
    RolloutPlan.Rollout rollout = sampler.map(each -> each.instead(planned)).orElse(planned);
    List<Completed> completions =
        completer.complete(first - 1, masters, first, rollout.prompts().microBatches());
    long written = System.nanoTime();
    RewardOutcome outcome = score(first, completions);
    sampler.ifPresent(each -> each.learn(completions, outcome));
    long rewarded = System.nanoTime();
    List<Sequence> sequences =
        completions.stream().map(c -> objective.sequence(sampled(c))).toList();
    Online.Needs needs = objective.needs();
    boolean readsOld =
        needs.old() || (plan.isReused() && objective.comparesWithOld()) || correction.isPresent();
    Readings readings =
        new Readings(
            read(Reading.POLICY, readsOld, first - 1, masters, completions, sequences),
            read(Reading.VALUES, needs.values(), first - 1, masters, completions, sequences),
            read(Reading.REFERENCE, needs.reference(), first - 1, masters, completions, sequences));
    Assessment assessment = objective.assess(judged(outcome, completions, readings));
    Experience experience = experience(completions, outcome, sequences, readings, assessment);
    long assessed = System.nanoTime();
    log.add(first, completions, outcome);
    Map<String, Double> seconds = new LinkedHashMap<>();
    seconds.put("rollout_seconds", (written - start) / 1e9);
    seconds.put("reward_seconds", (rewarded - written) / 1e9);
    seconds.put("logprob_seconds", (assessed - rewarded) / 1e9);
    MetricSums metrics = RolloutMetrics.accounts(outcome);
    correction.ifPresent(by -> metrics.add(RolloutMetrics.sampling(experience.rows(), by)));
    assessment.metrics().forEach(m -> metrics.add(m.name(), m.sum(), m.weight()));
    return train(
        rollout,
        masters,
        objectiveState,
        experience,
        new OfRollout(metrics, seconds, start, released));
  }

  private RewardOutcome score(long step, List<Completed> completions) {
    try {
      RewardOutcome outcome =
          rewards.score(step, completions.stream().map(Completed::text).toList());
      outcome
          .mismatch()
          .ifPresent(
              why -> logger.warn("step {} is scored anew: its journal of rewards {}", step, why));
      return outcome;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot keep the rewards of step " + step, e);
    }
  }

  private Sampled sampled(Completed completion) {
    return prompts.sampled(completion.row(), completion.written());
  }

  /** What was read of the completions, [completion][counted token] each. */
  private record Readings(List<float[]> old, List<float[]> values, List<float[]> reference) {}

  /** [completion][counted token]; empty for completions of which nothing is read. */
  private List<float[]> read(
      Reading reading,
      boolean isRead,
      long version,
      FlatVector masters,
      List<Completed> completions,
      List<Sequence> sequences) {
    List<float[]> all = new ArrayList<>();
    List<byte[]> work = new ArrayList<>();
    List<Integer> asked = new ArrayList<>();
    List<LearnRow> lease = new ArrayList<>();
    for (int i = 0; i < sequences.size(); i++) {
      all.add(new float[0]);
      if (isRead && sequences.get(i).countedTokens() > 0) {
        asked.add(i);
        lease.add(
            new LearnRow(
                Experience.example(key(completions.get(i)), 1, sequences.get(i)),
                RowInputs.Reference.NONE));
      }
      if (lease.size() == ROWS_PER_LEASE || (i == sequences.size() - 1 && !lease.isEmpty())) {
        work.add(new OnlineWork.Read(reading, List.copyOf(lease)).toBytes());
        lease.clear();
      }
    }
    int next = 0;
    for (byte[] answer : aggregator.map(version, masters, work)) {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(answer))) {
        while (in.available() > 0) {
          all.set(asked.get(next++), OnlineWork.readFloats(in));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return all;
  }

  private static String key(Completed completion) {
    return completion.text().promptKey() + "#" + completion.text().sample();
  }

  private Judged judged(RewardOutcome outcome, List<Completed> completions, Readings readings) {
    List<Judged.Completion> judged = new ArrayList<>();
    for (int i = 0; i < completions.size(); i++) {
      Completed completion = completions.get(i);
      judged.add(
          new Judged.Completion(
              completion.text().promptKey(),
              completion.text().sample(),
              sampled(completion),
              rewardsOf(outcome, i),
              readings.old().get(i),
              readings.values().get(i),
              readings.reference().get(i)));
    }
    return new Judged(outcome.labels(), outcome.weights(), judged);
  }

  /** A completion that lost one of its rewards has none. */
  private static double[] rewardsOf(RewardOutcome outcome, int completion) {
    RowReward reward = outcome.rows().get(completion);
    return reward.values().stream()
        .mapToDouble(value -> reward.isLost() ? Double.NaN : value)
        .toArray();
  }

  private Experience experience(
      List<Completed> completions,
      RewardOutcome outcome,
      List<Sequence> sequences,
      Readings readings,
      Assessment assessment) {
    List<Experience.Row> rows = new ArrayList<>();
    for (int i = 0; i < assessment.rows().size(); i++) {
      Assessment.Row assessed = assessment.rows().get(i);
      Map<String, Integer> numbers = assessed.completions(i);
      Map<String, Experience.Part> parts = new LinkedHashMap<>();
      numbers.forEach(
          (role, number) ->
              parts.put(
                  role,
                  new Experience.Part(
                      sequences.get(number),
                      readings.old().get(number),
                      readings.reference().get(number),
                      correction.isPresent()
                          ? completions.get(number).written().logProbs()
                          : new float[0])));
      Completed any = completions.get(numbers.values().iterator().next());
      boolean isLost =
          numbers.values().stream().anyMatch(number -> outcome.rows().get(number).isLost());
      rows.add(
          new Experience.Row(
              numbers.size() == 1 ? key(any) : any.text().promptKey(),
              isLost ? 0 : prompts.weight(any.row()),
              parts,
              assessed));
    }
    return new Experience(rows, correction);
  }

  /**
   * What is reported of a rollout, with the first of its steps.
   *
   * @param start when it began, by the clock of {@link System#nanoTime}
   * @param released what {@link Aggregator#releasesOfMaps} was then
   */
  private record OfRollout(
      MetricSums metrics, Map<String, Double> seconds, long start, long released) {}

  private Advance train(
      RolloutPlan.Rollout rollout,
      FlatVector masters,
      double[] objectiveState,
      Experience experience,
      OfRollout reported) {
    List<Done> steps = new ArrayList<>();
    int rows = experience.rows().size();
    double[] state = objectiveState;
    long stepStart = reported.start();
    long counted = reported.released();
    for (long step = rollout.first(); step <= rollout.last(); step++) {
      long trainStart = System.nanoTime();
      long version = step - 1;
      int[] miniBatch = plan.miniBatch(rollout, step, rows);
      List<int[]> microBatches =
          plan.microBatches(rollout, step, rows, experience::length, experience.takesPart());
      Experience.Prepared prepared =
          experience.prepare(
              objective,
              new Experience.Step(step, seed, state),
              miniBatch,
              microBatches,
              payloads -> aggregator.map(version, masters, payloads));
      state = prepared.stateAfter();
      GradientSteps.Taken taken = gradients.take(step, masters, prepared.gradients());
      MetricSums metrics = new MetricSums();
      boolean isFirst = step == rollout.first();
      if (isFirst) {
        metrics.add(reported.metrics());
      }
      reported
          .seconds()
          .forEach((name, seconds) -> taken.numbers().put(name, isFirst ? seconds : 0.0));
      metrics.add(taken.metrics());
      double trainSeconds = (System.nanoTime() - trainStart) / 1e9;
      taken.numbers().put("train_seconds", trainSeconds);
      taken.numbers().put("sync_seconds", RolloutMetrics.sync(trainSeconds, taken.numbers()));
      long released = aggregator.releasesOfMaps();
      taken.numbers().merge("releases", (double) (released - counted), Double::sum);
      counted = released;
      BatchPlan.Step done =
          new BatchPlan.Step(
              step,
              rollout.prompts().epoch(),
              plan.epochsDone(rollout, step),
              rollout.prompts().microBatches());
      steps.add(
          new Done(
              done,
              taken.report(miniBatch.length, experience.computedTokens(microBatches), stepStart),
              metrics));
      stepStart = System.nanoTime();
    }
    List<Double> known = sampler.map(PromptSampler::known).orElse(List.of());
    return new Advance(steps, state, List.of(), known);
  }
}

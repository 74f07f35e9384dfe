package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.config.RewardSection;
import dev.collimate.config.RolloutSection;
import dev.collimate.config.RunConfig;
import dev.collimate.data.GivenRows;
import dev.collimate.data.PreparedData;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.ShardReader;
import dev.collimate.generate.SamplingParams;
import dev.collimate.objective.Online;
import dev.collimate.online.SamplerCorrection;
import dev.collimate.reward.PromptMixer;
import dev.collimate.reward.RewardChoice;
import dev.collimate.reward.RewardJournal;
import dev.collimate.reward.Rewards;
import dev.collimate.text.GivenCompletions;
import dev.collimate.text.Tokenizer;
import dev.collimate.train.OnlineWork.SampleRange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the driver of a run on written completions holds: the prompts and the rewards. */
final class OnlineRun implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(OnlineRun.class);

  /** 4 Mi tokens take 20 MiB of the driver's heap. */
  private static final long CACHED_TOKENS = 1L << 22;

  private final RunConfig run;
  private final RunDirectory directory;
  private final Configuration configuration;
  private final Online objective;
  private final Optional<Tokenizer> tokenizer;
  private final ShardReader train;
  private final ShardReader eval;
  private final ScoringWorkers scoring = new ScoringWorkers();
  private final DriverRewardContext context;
  private final Rewards rewards;
  private final Rewards evalRewards;

  private OnlineRun(
      RunConfig run,
      RunDirectory directory,
      Configuration configuration,
      PreparedData data,
      Online objective,
      Optional<Tokenizer> tokenizer,
      RewardJournal journal) {
    this.run = run;
    this.directory = directory;
    this.configuration = configuration;
    this.objective = objective;
    this.tokenizer = tokenizer;
    this.train = new ShardReader(data, Split.TRAIN, configuration, CACHED_TOKENS);
    this.eval = new ShardReader(data, Split.EVAL, configuration, CACHED_TOKENS);
    this.context = new DriverRewardContext(run, scoring, configuration);
    List<RewardChoice> choices = choices(run);
    Optional<PromptMixer> mixer =
        run.rollout()
            .rewardMixer()
            .map(file -> new RunMixer(directory.rollouts(), configuration).read(file, choices));
    this.rewards = new Rewards(choices, context, journal, run.rollout().maxLostRollouts(), mixer);
    this.evalRewards = new Rewards(choices, context, RewardJournal.NONE, /* mostLost= */ 0, mixer);
  }

  private static List<RewardChoice> choices(RunConfig run) {
    return run.rewards().stream().map(RewardSection::choice).toList();
  }

  /**
   * Makes the run's rewards once, so that what is wrong with one, such as the folder of a reward
   * model or the name of a key, is said before any work.
   *
   * @return the fingerprint of the reward models' files; empty where there is none
   * @throws dev.collimate.CollimateException where a reward cannot be made
   */
  static String requireRewards(RunConfig run, Configuration configuration) {
    try (DriverRewardContext context =
            new DriverRewardContext(run, new ScoringWorkers(), configuration);
        Rewards made = new Rewards(choices(run), context, RewardJournal.NONE, /* mostLost= */ 0)) {
      log.debug("Rewards: {}", made.labels());
      return context.fingerprint();
    }
  }

  /**
   * @param tokenizer closed with the run
   * @param ownership throws where this process no longer owns the run
   * @throws dev.collimate.CollimateException where a reward cannot be made
   */
  static OnlineRun open(
      RunConfig run,
      RunDirectory directory,
      Configuration configuration,
      PreparedData data,
      Online objective,
      Optional<Tokenizer> tokenizer,
      Runnable ownership) {
    RewardJournal journal =
        new RewardJournalFiles(directory.rewardJournal(), configuration, ownership);
    return new OnlineRun(run, directory, configuration, data, objective, tokenizer, journal);
  }

  /**
   * @param known of the prompts, as a checkpoint has it
   */
  OnlineSteps steps(
      RolloutPlan plan, Aggregator aggregator, GradientSteps gradients, List<Double> known) {
    SamplingParams sampling =
        new SamplingParams(
            run.rollout().maxCompletionLength(),
            run.rollout().temperature(),
            run.rollout().topK(),
            run.rollout().topP(),
            run.seed(),
            /* ignoreEos= */ false);
    PromptRows prompts = prompts(train);
    Rollouts rollouts = new Rollouts(aggregator, Split.TRAIN, prompts, scoring);
    int drawn = plan.generations() - objective.answers().size();
    Completer completer =
        run.rollout().isGiven()
            ? rollouts.given(new GivenRows(run, train, tokenizer, configuration))
            : rollouts.drawn(writers(drawn), sampling);
    if (!objective.answers().isEmpty()) {
      completer = rollouts.withAnswers(completer, drawn, objective.answers());
    }
    return new OnlineSteps(
        objective,
        plan,
        run.rollout()
            .vade()
            .map(vade -> new PromptSampler(vade, run.seed(), plan.prompts(), known)),
        run.seed(),
        prompts,
        completer,
        correction(),
        rewards,
        new RolloutLog(directory, configuration),
        aggregator,
        gradients);
  }

  /** Neighbouring completions of one writer are written together. */
  private List<SampleRange> writers(int completions) {
    List<SampleRange> ranges = new ArrayList<>();
    int first = 0;
    for (int sample = 1; sample <= completions; sample++) {
      double share = objective.referenceShare(first);
      if (sample == completions || objective.referenceShare(sample) != share) {
        ranges.add(new SampleRange(first, sample - first, share));
        first = sample;
      }
    }
    return ranges;
  }

  Evaluation evaluation(Aggregator aggregator, int prompts) {
    return new RewardEvaluation(
        new Rollouts(aggregator, Split.EVAL, prompts(eval), scoring),
        prompts,
        run.rollout().batchSize() * objective.needs().generations(),
        run.rollout().maxCompletionLength(),
        evalRewards);
  }

  private Optional<SamplerCorrection> correction() {
    RolloutSection rollout = run.rollout();
    return rollout.isCorrected()
        ? Optional.of(
            new SamplerCorrection(
                rollout.importanceSamplingMode(), rollout.importanceSamplingCap()))
        : Optional.empty();
  }

  private PromptRows prompts(ShardReader reader) {
    return new PromptRows(
        reader,
        tokenizer,
        run.rollout().maxCompletionLength(),
        run.rollout().isGiven() ? GivenCompletions.COLUMNS : List.of());
  }

  @Override
  public void close() {
    try (context;
        rewards;
        evalRewards;
        train;
        eval) {
      tokenizer.ifPresent(Tokenizer::close);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

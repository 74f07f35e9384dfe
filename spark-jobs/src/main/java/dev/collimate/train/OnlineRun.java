package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.config.RewardSection;
import dev.collimate.config.RunConfig;
import dev.collimate.data.PreparedData;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.ShardReader;
import dev.collimate.generate.SamplingParams;
import dev.collimate.objective.Online;
import dev.collimate.reward.RewardChoice;
import dev.collimate.reward.RewardJournal;
import dev.collimate.reward.Rewards;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** What the driver of a run on written completions holds: the prompts and the rewards. */
final class OnlineRun implements AutoCloseable {

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
    List<RewardChoice> choices = run.rewards().stream().map(RewardSection::choice).toList();
    this.rewards = new Rewards(choices, context, journal);
    this.evalRewards = new Rewards(choices, context, RewardJournal.NONE);
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
    return new OnlineSteps(
        objective,
        plan,
        run.rollout()
            .vade()
            .map(vade -> new PromptSampler(vade, run.seed(), plan.prompts(), known)),
        sampling,
        new Rollouts(aggregator, Split.TRAIN, prompts(train), scoring),
        rewards,
        new RolloutLog(directory, configuration),
        aggregator,
        gradients);
  }

  Evaluation evaluation(Aggregator aggregator, int prompts) {
    return new RewardEvaluation(
        new Rollouts(aggregator, Split.EVAL, prompts(eval), scoring),
        prompts,
        run.rollout().batchSize() * objective.needs().generations(),
        run.rollout().maxCompletionLength(),
        evalRewards);
  }

  private PromptRows prompts(ShardReader reader) {
    return new PromptRows(reader, tokenizer, run.rollout().maxCompletionLength());
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

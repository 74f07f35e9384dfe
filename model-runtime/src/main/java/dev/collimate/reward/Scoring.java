package dev.collimate.reward;

import dev.collimate.CollimateException;
import dev.collimate.reward.RewardFailure.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/** The rewards of a step's completions, asked all at the same time. */
final class Scoring {

  private Scoring() {}

  /** A reward for each completion. */
  static List<RowReward> of(List<ChosenReward> rewards, List<Rollout> rollouts, Executor threads) {
    List<CompletableFuture<List<Answer>>> started = new ArrayList<>();
    for (ChosenReward reward : rewards) {
      started.add(
          reward.runsOnExecutors() ? new CompletableFuture<>() : reward.start(rollouts, threads));
    }
    for (int i = 0; i < started.size(); i++) {
      if (rewards.get(i).runsOnExecutors()) {
        started.get(i).complete(rewards.get(i).askExecutors(rollouts));
      }
    }
    List<List<Answer>> answers = new ArrayList<>();
    started.forEach(future -> answers.add(get(future)));
    List<RowReward> rows = new ArrayList<>();
    for (int i = 0; i < rollouts.size(); i++) {
      int row = i;
      rows.add(row(rewards, answers.stream().map(ofReward -> ofReward.get(row)).toList()));
    }
    return List.copyOf(rows);
  }

  private static List<Answer> get(CompletableFuture<List<Answer>> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      throw new CollimateException(CollimateException.Kind.INTERNAL, "rewards: " + e.getCause(), e);
    }
  }

  /**
   * @param answers one of each reward
   */
  private static RowReward row(List<ChosenReward> rewards, List<Answer> answers) {
    List<Double> values = new ArrayList<>();
    List<RewardFailure> failures = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      if (answers.get(i) instanceof Answer.Failed failed) {
        failures.add(new RewardFailure(rewards.get(i).label(), failed.reason(), failed.detail()));
      }
      values.add(answers.get(i) instanceof Answer.Value value ? value.value() : Double.NaN);
    }
    if (failures.isEmpty() && values.stream().allMatch(value -> value.isNaN())) {
      failures.add(new RewardFailure("all", Reason.NONE_APPLIES, ""));
    }
    return new RowReward(values, failures);
  }
}

package dev.collimate.train;

import dev.collimate.online.Vade;
import dev.collimate.online.Vade.Outcome;
import dev.collimate.online.Vade.Table;
import dev.collimate.random.CounterRandom;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.train.Rollouts.Completed;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Chooses the prompts of a rollout by what is known of them, in place of those whose turn it is. A
 * choice depends on the seed, the step, and rewards of the rollouts before it: on nothing that
 * happens at the same time.
 */
final class PromptSampler {

  private final Vade vade;
  private final CounterRandom random;
  private final BatchPlan plan;
  private Table table;

  /**
   * @param plan says how many prompts a rollout has
   * @param known as {@link #known} gave it; empty at the beginning
   */
  PromptSampler(Vade vade, long seed, BatchPlan plan, List<Double> known) {
    this.vade = vade;
    this.random = CounterRandom.of(seed, "prompts");
    this.plan = plan;
    this.table = known.isEmpty() ? Table.of(plan.rows()) : table(known);
  }

  private static Table table(List<Double> known) {
    int prompts = known.size() / 2;
    return new Table(array(known.subList(0, prompts)), array(known.subList(prompts, known.size())));
  }

  private static double[] array(List<Double> numbers) {
    return numbers.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** As many prompts as were planned, those that promise most. */
  RolloutPlan.Rollout instead(RolloutPlan.Rollout planned) {
    int count = planned.prompts().rows().length;
    return planned.with(
        plan.microBatches(vade.choose(table, random.child(planned.first()), count)));
  }

  /**
   * Takes note of what completions scored; those that lost their reward are none.
   *
   * @param completions those of a prompt next to each other
   */
  void learn(List<Completed> completions, RewardOutcome outcome) {
    List<Outcome> outcomes = new ArrayList<>();
    int from = 0;
    while (from < completions.size()) {
      int row = completions.get(from).row();
      double successes = 0;
      int judged = 0;
      int next = from;
      for (; next < completions.size() && completions.get(next).row() == row; next++) {
        if (!outcome.rows().get(next).isLost()) {
          successes += success(outcome, next);
          judged++;
        }
      }
      outcomes.add(new Outcome(row, successes, judged));
      from = next;
    }
    table = vade.after(table, outcomes);
  }

  /** The weighted sum of the rewards as a share of the positive weights, held in 0 to 1. */
  private static double success(RewardOutcome outcome, int completion) {
    double most = outcome.weights().stream().mapToDouble(weight -> Math.max(weight, 0)).sum();
    double total = outcome.rows().get(completion).total(outcome.weights());
    return most == 0 ? 0 : Math.min(Math.max(total / most, 0), 1);
  }

  /** All that a choice depends on beside the seed and the step. */
  List<Double> known() {
    return DoubleStream.concat(
            DoubleStream.of(table.successes()), DoubleStream.of(table.failures()))
        .boxed()
        .toList();
  }

  /** How many prompts there are completions of. */
  static int reached(List<Double> known) {
    Table table = table(known);
    int reached = 0;
    for (int i = 0; i < table.successes().length; i++) {
      reached += table.successes()[i] + table.failures()[i] > 0 ? 1 : 0;
    }
    return reached;
  }
}

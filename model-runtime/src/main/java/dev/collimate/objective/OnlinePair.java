package dev.collimate.objective;

import java.util.ArrayList;
import java.util.List;

/**
 * Two completions of a prompt with what they are worth.
 *
 * @param first its number among the rollout's completions; the policy's own
 * @param second of the other
 * @param firstScore its weighted rewards, less the penalty where it was cut; NaN where it has none
 * @param secondScore of the other
 */
record OnlinePair(int first, int second, double firstScore, double secondScore) {

  static final Online.Needs NEEDS =
      new Online.Needs(
          /* generations= */ 2, /* old= */ false, /* values= */ false, /* reference= */ true);

  static final ObjectiveOption MISSING_EOS_PENALTY =
      ObjectiveOption.numberOr(
          "missing_eos_penalty",
          GrpoOptions.NONE,
          "> 0",
          "Subtracted from the score of a completion that was cut.");

  static double missingEosPenalty(Options options) {
    return GrpoOptions.numberOr(
        options, MISSING_EOS_PENALTY.name(), GrpoOptions.NONE, /* instead= */ 0);
  }

  /** The pairs of a rollout, in the order of its prompts. */
  static List<OnlinePair> of(Judged rollout, double missingEosPenalty) {
    Completions.requireGroups(rollout, NEEDS.generations());
    double[] scores = Completions.rewards(rollout);
    for (int i = 0; i < scores.length; i++) {
      scores[i] -= rollout.completions().get(i).sampled().ended() ? 0 : missingEosPenalty;
    }
    List<OnlinePair> pairs = new ArrayList<>();
    for (int i = 0; i < scores.length; i += 2) {
      pairs.add(new OnlinePair(i, i + 1, scores[i], scores[i + 1]));
    }
    return pairs;
  }

  /** Whether both have a score, so that one can be preferred. */
  boolean isJudged() {
    return !Double.isNaN(firstScore) && !Double.isNaN(secondScore);
  }

  /**
   * TRL's metrics of rewards and lengths, and the share of judged pairs whose rewards are equal.
   */
  static List<RowLoss.Metric> metrics(Judged rollout) {
    List<RowLoss.Metric> metrics = Completions.rewardMetrics(rollout);
    metrics.addAll(Completions.lengthMetrics(rollout));
    for (OnlinePair pair : of(rollout, /* missingEosPenalty= */ 0)) {
      if (pair.isJudged()) {
        double isAlike = pair.firstScore == pair.secondScore ? 1 : 0;
        metrics.add(new RowLoss.Metric("frac_reward_zero_std", isAlike, 1));
      }
    }
    return metrics;
  }

  /** The share of completions that came to an end by themselves. */
  static RowLoss.Metric ended(Judged rollout) {
    List<Judged.Completion> all = rollout.completions();
    long ended = all.stream().filter(completion -> completion.sampled().ended()).count();
    return new RowLoss.Metric("val/contain_eos_token", ended, all.size());
  }

  /** The same of the first completions and of the second, under TRL's names. */
  static List<RowLoss.Metric> endedByWriter(Judged rollout) {
    List<RowLoss.Metric> metrics = new ArrayList<>();
    for (Judged.Completion completion : rollout.completions()) {
      metrics.add(
          new RowLoss.Metric(
              completion.sample() == 0
                  ? "val/model_contain_eos_token"
                  : "val/ref_contain_eos_token",
              completion.sampled().ended() ? 1 : 0,
              1));
    }
    return metrics;
  }
}

package dev.collimate.online;

import dev.collimate.random.CounterRandom;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A choice of prompts: for each a Beta posterior of its success rate is kept, and those are taken
 * that promise most, {@code p * (1 - p)^2} for a rate p drawn from the posterior, so that no
 * rollout is spent on prompts that are always or never solved. Counts fade, so that they follow the
 * policy (VADE; how they fade is a reconstruction).
 *
 * @param localDecay what is left of a prompt's counts when it is tried again, above 0 and at most 1
 * @param globalDecay what is left of every prompt's counts after each step, above 0 and at most 1
 */
public record Vade(double localDecay, double globalDecay) {

  /**
   * What is known of the prompts.
   *
   * @param successes [prompt] faded counts
   * @param failures [prompt]
   */
  public record Table(double[] successes, double[] failures) {

    /** Nothing is known: every rate is as probable as another. */
    public static Table of(int prompts) {
      return new Table(new double[prompts], new double[prompts]);
    }
  }

  /**
   * What came of a prompt.
   *
   * @param prompt its number
   * @param successes of its completions; rewards between 0 and 1 add up to it
   * @param completions that could be judged
   */
  public record Outcome(int prompt, double successes, double completions) {}

  /**
   * Chooses prompts.
   *
   * @param random of the step
   * @param count how many
   * @return their numbers, the most promising first
   */
  public int[] choose(Table table, CounterRandom random, int count) {
    int prompts = table.successes().length;
    if (count > prompts) {
      throw new IllegalArgumentException(count + " prompts cannot be chosen of " + prompts);
    }
    double[] promise = new double[prompts];
    for (int i = 0; i < prompts; i++) {
      CounterRandom ofPrompt = random.child(i);
      double success = gamma(ofPrompt.child(0), table.successes()[i] + 1);
      double failure = gamma(ofPrompt.child(1), table.failures()[i] + 1);
      double rate = success / (success + failure);
      promise[i] = rate * (1 - rate) * (1 - rate);
    }
    return IntStream.range(0, prompts)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -promise[i]))
        .limit(count)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** What is known after a step. */
  public Table after(Table table, List<Outcome> outcomes) {
    double[] successes = table.successes().clone();
    double[] failures = table.failures().clone();
    for (int i = 0; i < successes.length; i++) {
      successes[i] *= globalDecay;
      failures[i] *= globalDecay;
    }
    for (Outcome outcome : outcomes) {
      int i = outcome.prompt();
      successes[i] = localDecay * successes[i] + outcome.successes();
      failures[i] = localDecay * failures[i] + outcome.completions() - outcome.successes();
    }
    return new Table(successes, failures);
  }

  /**
   * A number of the gamma distribution of scale 1 (Marsaglia and Tsang 2000, A Simple Method for
   * Generating Gamma Variables).
   *
   * @param shape at least 1
   */
  private static double gamma(CounterRandom random, double shape) {
    double d = shape - 1.0 / 3;
    double c = 1 / StrictMath.sqrt(9 * d);
    for (int attempt = 0; ; attempt++) {
      CounterRandom draw = random.child(attempt);
      double x = draw.normal(0);
      double v = (1 + c * x) * (1 + c * x) * (1 + c * x);
      double u = 1 - draw.uniform(2);
      if (v > 0 && StrictMath.log(u) < 0.5 * x * x + d - d * v + d * StrictMath.log(v)) {
        return d * v;
      }
    }
  }
}

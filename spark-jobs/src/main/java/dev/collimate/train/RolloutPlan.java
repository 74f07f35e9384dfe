package dev.collimate.train;

import dev.collimate.config.RolloutSection;
import dev.collimate.config.RunConfig;
import dev.collimate.random.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Which prompts are completed before which optimizer step, and which completions each step learns
 * from: a pure function of the epochs' orders and the sizes. A rollout serves {@code stepsPer
 * Generation} times {@code numIterations} steps, as in TRL: its completions are shuffled and cut
 * into as many mini-batches as a generation has steps, and these are gone through so many times.
 */
final class RolloutPlan {

  private final BatchPlan prompts;
  private final int generations;
  private final int stepsPerGeneration;
  private final int numIterations;
  private final int microBatchSize;
  private final long steps;
  private final long seed;

  /**
   * @param prompts whose steps are the rollouts and whose micro-batches are units of prompts
   * @param generations completions of a prompt
   * @param microBatchSize completions of a unit of training
   * @param steps optimizer steps in all
   */
  RolloutPlan(
      BatchPlan prompts,
      int generations,
      int stepsPerGeneration,
      int numIterations,
      int microBatchSize,
      long steps,
      long seed) {
    this.prompts = prompts;
    this.generations = generations;
    this.stepsPerGeneration = stepsPerGeneration;
    this.numIterations = numIterations;
    this.microBatchSize = microBatchSize;
    this.steps = steps;
    this.seed = seed;
  }

  /**
   * The plan of a run.
   *
   * @param prompts of the training set
   * @param order the epoch's permutation of the prompts
   * @param length of a prompt in tokens
   */
  static RolloutPlan of(
      RunConfig run, int prompts, IntFunction<int[]> order, IntUnaryOperator length) {
    RolloutSection rollout = run.rollout();
    int generations = run.objective().numGenerations();
    int perRollout =
        Math.toIntExact(
            (long) run.train().globalBatchSize() * rollout.stepsPerGeneration() / generations);
    int rolloutsPerEpoch = Math.toIntExact(((long) prompts + perRollout - 1) / perRollout);
    long steps =
        run.train().maxSteps().isPresent()
            ? run.train().maxSteps().getAsInt()
            : (long)
                Math.ceil(
                    run.train().numTrainEpochs() * rolloutsPerEpoch * rollout.stepsPerRollout());
    long rollouts = (steps + rollout.stepsPerRollout() - 1) / rollout.stepsPerRollout();
    BatchPlan units =
        new BatchPlan(prompts, perRollout, rollout.batchSize(), rollouts, order, length);
    return new RolloutPlan(
        units,
        generations,
        rollout.stepsPerGeneration(),
        rollout.numIterations(),
        run.train().microBatchSize(),
        steps,
        run.seed());
  }

  /**
   * A rollout and the steps that it serves.
   *
   * @param first the first of the optimizer steps, from 1
   * @param last the last of them
   * @param prompts rows of every unit
   */
  record Rollout(long first, long last, BatchPlan.Step prompts) {

    /** The same with other prompts. */
    Rollout with(List<int[]> units) {
      return new Rollout(
          first,
          last,
          new BatchPlan.Step(prompts.number(), prompts.epoch(), prompts.epochsDone(), units));
    }
  }

  /** The prompts: a step of it is a rollout, a micro-batch of it a unit. */
  BatchPlan prompts() {
    return prompts;
  }

  /** Optimizer steps of the whole run. */
  long steps() {
    return steps;
  }

  int generations() {
    return generations;
  }

  /** Whether the completions of a rollout serve several optimizer steps. */
  boolean isReused() {
    return stepsPerRollout() > 1;
  }

  private int stepsPerRollout() {
    return stepsPerGeneration * numIterations;
  }

  /** The rollout before a step, which must be the first that it serves. */
  Rollout rollout(long first) {
    if ((first - 1) % stepsPerRollout() != 0) {
      throw new IllegalArgumentException("step " + first + " is not the first of a rollout");
    }
    long last = Math.min(steps, first - 1 + stepsPerRollout());
    return new Rollout(first, last, prompts.step((first - 1) / stepsPerRollout() + 1));
  }

  /** How many epochs are done after a step. */
  double epochsDone(Rollout rollout, long step) {
    double before = rollout.prompts().epochsDone() - perRollout(rollout);
    return before + perRollout(rollout) * (step - rollout.first() + 1) / (double) stepsPerRollout();
  }

  private static double perRollout(Rollout rollout) {
    return rollout.prompts().epochsDone() / rollout.prompts().number();
  }

  /**
   * The rows that a step learns from, completions or pairs of them, as numbers among the rollout's,
   * in micro-batches of like length, the longest first.
   *
   * @param rows of the rollout
   * @param length of each in tokens
   * @param takesPart whether a row has anything to learn from
   */
  List<int[]> microBatches(
      Rollout rollout, long step, int rows, IntUnaryOperator length, boolean[] takesPart) {
    int[] of =
        Arrays.stream(miniBatch(rollout, step, rows))
            .filter(row -> takesPart[row])
            .boxed()
            .sorted(Comparator.comparingInt(length::applyAsInt).reversed())
            .mapToInt(Integer::intValue)
            .toArray();
    List<int[]> microBatches = new ArrayList<>();
    for (int from = 0; from < of.length; from += microBatchSize) {
      microBatches.add(Arrays.copyOfRange(of, from, Math.min(from + microBatchSize, of.length)));
    }
    // A step without anything to learn is a step of the optimizer nevertheless.
    return microBatches.isEmpty() ? List.of(new int[0]) : microBatches;
  }

  /** The rows of a step, of weight or not. */
  int[] miniBatch(Rollout rollout, long step, int rows) {
    int part = (int) ((step - rollout.first()) % stepsPerGeneration);
    int[] order = order(rollout, rows);
    int from = (int) ((long) rows * part / stepsPerGeneration);
    int to = (int) ((long) rows * (part + 1) / stepsPerGeneration);
    return Arrays.copyOfRange(order, from, to);
  }

  private int[] order(Rollout rollout, int rows) {
    if (stepsPerGeneration == 1) {
      return IntStream.range(0, rows).toArray();
    }
    CounterRandom random = CounterRandom.of(seed, "mini-batches").child(rollout.first());
    return IntStream.range(0, rows)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> random.uniform(i)))
        .mapToInt(Integer::intValue)
        .toArray();
  }
}

package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;
import static dev.collimate.config.Key.Role.OPERATIONAL;

/**
 * The {@code rollout} section: how completions are written that an online objective learns from.
 */
public record RolloutSection(
    @Key(
            role = IDENTITY,
            usual = "4",
            range = ">= 1",
            meaning =
                "Prompts per unit of work; each is completed `objective.num_generations` times, all"
                    + " of a unit as one batch.")
        int batchSize,
    @Key(
            role = IDENTITY,
            usual = "8",
            range = ">= 2",
            meaning =
                "With `rounds`: completions of each prompt. Online objectives have an option of"
                    + " that name.")
        int numGenerations,
    @Key(
            role = IDENTITY,
            usual = "256",
            range = ">= 1",
            meaning = "Most tokens of a completion; a longer one is truncated.")
        int maxCompletionLength,
    @Key(
            role = IDENTITY,
            usual = "1.0",
            range = "> 0",
            meaning = "Logits are divided by it, when tokens are drawn and in the objective.")
        double temperature,
    @Key(
            role = IDENTITY,
            usual = "0",
            range = ">= 0",
            meaning = "How many of the most probable tokens take part in a draw; 0: all.")
        int topK,
    @Key(
            role = IDENTITY,
            usual = "1.0",
            range = "> 0 and <= 1",
            meaning =
                "The smallest set of most probable tokens with this probability takes part in a"
                    + " draw; 1: all.")
        double topP,
    @Key(
            role = IDENTITY,
            usual = "1",
            range = ">= 1",
            meaning = "How often the completions of a rollout are gone through.")
        int numIterations,
    @Key(
            role = IDENTITY,
            usual = "1",
            range = ">= 1",
            meaning =
                "Optimizer steps that share the completions of a rollout, each with its part of"
                    + " them: a rollout has `steps_per_generation` x `train.global_batch_size`"
                    + " completions.")
        int stepsPerGeneration,
    @Key(
            role = OPERATIONAL,
            usual = "3",
            range = ">= 0",
            meaning =
                "Rollouts in a row of which every completion lost its reward, with which the run"
                    + " ends and names the first cause; 0: it goes on.")
        int maxLostRollouts) {

  /** Optimizer steps between one rollout and the next. */
  public int stepsPerRollout() {
    return numIterations * stepsPerGeneration;
  }
}

package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;
import static dev.collimate.config.Key.Role.OPERATIONAL;

import dev.collimate.online.SamplerCorrection;
import dev.collimate.online.Vade;
import java.util.Optional;
import java.util.function.BinaryOperator;

/**
 * The {@code rollout} section: how completions are written that an online objective learns from.
 */
public record RolloutSection(
    @Key(
            role = IDENTITY,
            usual = "policy",
            meaning =
                "Who writes the completions: the `policy`, on the executors; or another engine"
                    + " before, whose completions stand in the rows (`data`).")
        WrittenBy source,
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
        int maxLostRollouts,
    @Key(
            role = IDENTITY,
            usual = "in_turn",
            meaning =
                "Which prompts a rollout completes: all in turn, or (`vade`) those that promise"
                    + " most by what earlier completions of them scored, of a reward between 0 and"
                    + " 1 (experimental).")
        Sampler sampler,
    @Key(
            role = IDENTITY,
            usual = "0.99",
            range = "> 0 and <= 1",
            meaning =
                "`vade`: what is left after each rollout of what is known of any prompt; below 1 it"
                    + " follows the policy.")
        double priorDecayGlobal,
    @Key(
            role = IDENTITY,
            usual = "0.7",
            range = "> 0 and <= 1",
            meaning =
                "`vade`: what is left of what is known of a prompt when it is completed again.")
        double priorDecayLocal,
    @Key(
            role = IDENTITY,
            usual = "true",
            meaning =
                "`source: data`: weigh the loss with how much more probable the policy finds a"
                    + " completion than the engine did; the rows then have `logprobs`.")
        boolean importanceSamplingCorrection,
    @Key(
            role = IDENTITY,
            usual = "sequence_mask",
            meaning =
                "The weight: the ratio of a token or of the whole completion (`sequence`), held"
                    + " at the cap (`truncate`) or 0 above it (`mask`).")
        SamplerCorrection.Mode importanceSamplingMode,
    @Key(
            role = IDENTITY,
            usual = "3.0",
            range = "> 0",
            meaning = "The greatest ratio that counts as it is.")
        double importanceSamplingCap,
    @Key(
            role = IDENTITY,
            usual = "null",
            meaning =
                "File of `collimate mix`, which says by the prompt how much each of the rewards"
                    + " counts; `null`: their weights do.")
        Optional<String> rewardMixer) {

  /** The same with its file named in full. */
  RolloutSection located(BinaryOperator<String> absolute) {
    return new RolloutSection(
        source,
        batchSize,
        numGenerations,
        maxCompletionLength,
        temperature,
        topK,
        topP,
        numIterations,
        stepsPerGeneration,
        maxLostRollouts,
        sampler,
        priorDecayGlobal,
        priorDecayLocal,
        importanceSamplingCorrection,
        importanceSamplingMode,
        importanceSamplingCap,
        rewardMixer.map(file -> absolute.apply("rollout.reward_mixer", file)));
  }

  /** Who writes the completions. */
  public enum WrittenBy {
    POLICY,
    DATA
  }

  /** Whether the rows bring the completions. */
  public boolean isGiven() {
    return source == WrittenBy.DATA;
  }

  /** Whether the loss of a completion is weighed with its sampler's probability. */
  public boolean isCorrected() {
    return isGiven() && importanceSamplingCorrection;
  }

  /** How prompts are chosen. */
  public enum Sampler {
    IN_TURN,
    VADE
  }

  /** The choice of prompts by their promise; empty where they are taken in turn. */
  public Optional<Vade> vade() {
    return sampler == Sampler.VADE
        ? Optional.of(new Vade(priorDecayLocal, priorDecayGlobal))
        : Optional.empty();
  }

  /** Optimizer steps between one rollout and the next. */
  public int stepsPerRollout() {
    return numIterations * stepsPerGeneration;
  }
}

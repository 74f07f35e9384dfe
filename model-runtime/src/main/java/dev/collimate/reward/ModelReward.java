package dev.collimate.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec.Rule;
import java.util.List;

/** The scores of a reward model. */
final class ModelReward {

  static final RewardSpec SPEC =
      new RewardSpec(
          "reward_model",
          "The score that a reward model, such as the objective `reward` trains, gives prompt and completion.",
          "TRL's reward models among `reward_funcs`",
          RewardSpec.Runs.ON_EXECUTORS,
          RewardLimits.USUAL,
          options -> List.of(),
          List.of(
              ObjectiveOption.text(
                  "model", "", "The folder of a model with a score head; it must be given.")),
          List.of(new Rule("model", "must be given", options -> !options.text("model").isEmpty())),
          (options, context) -> {
            RewardFunction function = context.model(options.text("model"));
            return () -> function;
          });

  private ModelReward() {}
}

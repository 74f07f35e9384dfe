package dev.collimate.data;

import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.DataConfig;
import dev.collimate.config.ObjectiveConfig;
import dev.collimate.config.RunConfig;
import dev.collimate.files.Folder;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objectives;
import dev.collimate.text.GivenCompletions;
import dev.collimate.text.PreparerConfig;
import dev.collimate.text.RowColumns;
import java.time.LocalDateTime;
import java.util.Set;

/** What the run file says about rows, as the preparer takes it. */
final class PreparerSettings {

  private static final String COMPLETION_ONLY_LOSS = "completion_only_loss";
  private static final String ASSISTANT_ONLY_LOSS = "assistant_only_loss";

  private PreparerSettings() {}

  /**
   * @param model the model's folder, whose vocabulary bounds token ids
   * @param now what chat templates are told the time is
   */
  static PreparerConfig of(RunConfig config, Folder model, LocalDateTime now) {
    DataConfig data = config.data();
    Declaration objective =
        Objectives.create(config.objective().name(), config.objective().options()).declaration();
    ModelConfig ofModel = ModelConfig.read(model);
    RowColumns columns = objective.columns();
    if (objective.isOnline() && config.rollout().isGiven()) {
      columns =
          columns.withCompletions(
              new GivenCompletions(
                  config.objective().numGenerations(),
                  config.rollout().maxCompletionLength(),
                  config.rollout().isCorrected(),
                  Set.copyOf(ofModel.tokens().eos())));
    }
    return new PreparerConfig(
        objective.shape(),
        data.maxLength().orElse(PreparerConfig.UNLIMITED),
        data.truncationMode(),
        data.maxPromptLength().orElse(PreparerConfig.UNLIMITED),
        data.boundaryMerge(),
        flag(config.objective(), COMPLETION_ONLY_LOSS, true) && !objective.countsPrompt(),
        flag(config.objective(), ASSISTANT_ONLY_LOSS, false),
        ofModel.vocabSize(),
        now,
        columns);
  }

  private static boolean flag(ObjectiveConfig objective, String option, boolean otherwise) {
    return objective.options().containsKey(option) ? objective.flag(option) : otherwise;
  }
}

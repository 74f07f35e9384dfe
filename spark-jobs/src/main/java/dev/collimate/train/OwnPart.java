package dev.collimate.train;

import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.RunConfig;
import dev.collimate.objective.TrainingSet;
import dev.collimate.parameters.FlatVector;
import dev.collimate.reference.ReferenceSource;
import dev.collimate.storage.HadoopFolder;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * The objective's own parameters among those that are trained: they stand behind the model's, in
 * masters, moments and gradients, and are no part of the published result.
 */
final class OwnPart {

  private OwnPart() {}

  /** By what sizes an objective makes parameters of its own. */
  static TrainingSet.Model sizes(RunConfig run, ModelConfig policy, Configuration configuration) {
    ModelConfig reference =
        ReferenceSource.isFolder(run)
            ? ModelConfig.read(
                HadoopFolder.open("reference_model", run.referenceModel(), configuration))
            : policy;
    return new TrainingSet.Model(
        policy.hiddenSize(), reference.layers(), reference.hiddenSize(), run.seed());
  }

  /** The model's parameters with those of the objective behind them. */
  static FlatVector behind(FlatVector model, List<Double> own) {
    if (own.isEmpty()) {
      return model;
    }
    FlatVector all = new FlatVector(model.size() + own.size());
    copy(model, all, model.size());
    for (int i = 0; i < own.size(); i++) {
      all.set(model.size() + i, own.get(i).floatValue());
    }
    return all;
  }

  /** The model's parameters, with those that stand behind another's. */
  static FlatVector behind(FlatVector model, FlatVector trained) {
    if (model.size() == trained.size()) {
      return model;
    }
    FlatVector all = trained.copy();
    copy(model, all, model.size());
    return all;
  }

  /** The model's parameters alone, so many. */
  static FlatVector without(FlatVector trained, long count) {
    if (trained.size() == count) {
      return trained;
    }
    FlatVector model = new FlatVector(count);
    copy(trained, model, count);
    return model;
  }

  private static void copy(FlatVector from, FlatVector into, long count) {
    for (long i = 0; i < count; i += FlatVector.BLOCK) {
      int block = (int) (i / FlatVector.BLOCK);
      int length = (int) Math.min(FlatVector.BLOCK, count - i);
      System.arraycopy(from.block(block), 0, into.block(block), 0, length);
    }
  }
}

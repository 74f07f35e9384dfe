package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TokenizerVocab;
import dev.collimate.config.RunConfig;
import dev.collimate.files.Folder;
import dev.collimate.storage.HadoopFolder;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * The value model of a run, where it is a folder of its own.
 *
 * @param model none where the values are those of a head on the policy's trunk, or there are none
 */
record ValueFolder(Optional<ModelFolder> model) implements AutoCloseable {

  static final String KEY = "value_model";

  /**
   * Opens the folder; the caller closes it.
   *
   * @throws CollimateException (usage) where there is no folder, or a model of several scores;
   *     (data) as {@link ModelFolder}
   */
  static ValueFolder open(RunConfig run, Configuration configuration) {
    if (run.valueFolder().isEmpty()) {
      return new ValueFolder(Optional.empty());
    }
    String location = run.valueFolder().get();
    Folder folder = HadoopFolder.open(KEY, location, configuration);
    int scores = ModelConfig.read(folder).numLabels();
    if (scores > 1) {
      throw CollimateException.usage(
          "%s: '%s' gives %d scores of a sequence, a value is one; give a model of one label, such as a reward model, or a causal language model"
              .formatted(KEY, location, scores));
    }
    return new ValueFolder(Optional.of(ModelFolder.openValueModel(folder)));
  }

  /**
   * Checks that the value model reads the policy's token ids as the policy does. A folder without a
   * tokenizer is taken at the word of its vocabulary's size.
   *
   * @throws CollimateException (usage) where it does not
   */
  void requireFits(ModelFolder policy) {
    model.ifPresent(values -> requireFits(values, policy));
  }

  private static void requireFits(ModelFolder values, ModelFolder policy) {
    String location = values.folder().location();
    int here = values.config().vocabSize();
    int there = policy.config().vocabSize();
    if (here != there) {
      throw CollimateException.usage(
          "%s: the vocabulary of '%s' has %d tokens, the model's has %d; give a value model of the same vocabulary"
              .formatted(KEY, location, here, there));
    }
    if (values.hasTokenizer()
        && policy.hasTokenizer()
        && !TokenizerVocab.haveSameIds(values.folder(), policy.folder())) {
      throw CollimateException.usage(
          "%s: the tokenizer of '%s' has other tokens, or other ids, than the model's; give a value model that reads the model's tokens"
              .formatted(KEY, location));
    }
  }

  @Override
  public void close() {
    model.ifPresent(ModelFolder::close);
  }
}

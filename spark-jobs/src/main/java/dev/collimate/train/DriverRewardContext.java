package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.TokenizerVocab;
import dev.collimate.config.RunConfig;
import dev.collimate.executor.ModelSpec;
import dev.collimate.files.Folder;
import dev.collimate.nn.Precision;
import dev.collimate.reward.RewardContext;
import dev.collimate.reward.RewardFunction;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Storage;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** What rewards may ask of the driver; holds the tokenizers of reward models. */
final class DriverRewardContext implements RewardContext, AutoCloseable {

  private static final String KEY = "rewards[].model";

  private final RunConfig run;
  private final RewardModels scoring;
  private final Configuration configuration;
  private final List<Tokenizer> tokenizers = new ArrayList<>();
  private final List<String> fingerprints = new ArrayList<>();

  /**
   * @param scoring who scores
   * @param configuration whose credential providers may hold secrets
   */
  DriverRewardContext(RunConfig run, RewardModels scoring, Configuration configuration) {
    this.run = run;
    this.scoring = scoring;
    this.configuration = configuration;
  }

  @Override
  public Optional<String> secret(String name) {
    return Optional.ofNullable(System.getenv(name)).or(() -> credential(name));
  }

  private Optional<String> credential(String name) {
    try {
      return Optional.ofNullable(configuration.getPassword(name)).map(String::new);
    } catch (IOException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "the Hadoop credential '%s' cannot be read: %s".formatted(name, e.getMessage()),
          e);
    }
  }

  @Override
  public RewardFunction model(String folder) {
    String location = Storage.absolute(KEY, folder, configuration);
    ModelSpec model =
        ModelSpec.of(
                KEY,
                location,
                "adapter",
                Optional.empty(),
                Precision.valueOf(run.train().precision().name()),
                run.cluster().threads(),
                configuration)
            .on(run.cluster().device());
    if (model.numLabels() == 0) {
      throw CollimateException.usage(
          "%s: '%s' is a causal language model, which gives no rewards; give a reward model"
              .formatted(KEY, location));
    }
    Tokenizer tokenizer = tokenizer(location);
    fingerprints.add(model.modelFingerprint());
    return batch -> scoring.score(model, tokenizer, batch);
  }

  /** Tells the files of the reward models so far from others; empty where there is none. */
  String fingerprint() {
    return String.join("+", fingerprints);
  }

  private Tokenizer tokenizer(String location) {
    try {
      Folder folder = HadoopFolder.open(KEY, location, configuration);
      if (!folder.contains("tokenizer.json")) {
        throw CollimateException.usage(
            "%s: '%s' has no tokenizer.json; texts are scored as the reward model's own tokenizer cuts them"
                .formatted(KEY, location));
      }
      TokenizerVocab.requireFits(folder, ModelConfig.read(folder).vocabSize());
      Tokenizer tokenizer = Tokenizer.load(folder);
      tokenizers.add(tokenizer);
      return tokenizer;
    } catch (IOException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "%s: the tokenizer of '%s' cannot be read: %s".formatted(KEY, location, e.getMessage()),
          e);
    }
  }

  @Override
  public void close() {
    tokenizers.forEach(Tokenizer::close);
    tokenizers.clear();
  }
}

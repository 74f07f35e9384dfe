package dev.collimate.data;

import dev.collimate.files.Folder;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.text.ExamplePreparer;
import dev.collimate.text.PreparerConfig;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Optional;
import org.apache.spark.util.SerializableConfiguration;

/**
 * What a task needs to prepare rows: the tokenizer's place and the settings.
 *
 * @param model folder of the model, whose tokenizer is used where it has one
 */
public record PreparerSource(
    String model, PreparerConfig settings, SerializableConfiguration configuration)
    implements Serializable {

  /** A preparer with what it holds. */
  public record Open(ExamplePreparer preparer, Optional<Tokenizer> tokenizer)
      implements AutoCloseable {
    @Override
    public void close() {
      tokenizer.ifPresent(Tokenizer::close);
    }
  }

  private static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja",
          "chat_template.json");

  /**
   * Loads the tokenizer, where there is one.
   *
   * @return a preparer with the tokenizer, which the caller closes
   */
  public Open open() {
    Optional<Tokenizer> tokenizer = tokenizer();
    try {
      return new Open(new ExamplePreparer(tokenizer, settings), tokenizer);
    } catch (RuntimeException e) {
      tokenizer.ifPresent(Tokenizer::close);
      throw e;
    }
  }

  private Optional<Tokenizer> tokenizer() {
    Folder folder = folder();
    try {
      return folder.contains("tokenizer.json")
          ? Optional.of(Tokenizer.load(folder))
          : Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the tokenizer of '" + model + "'", e);
    }
  }

  /** The settings without the time that templates are told: it decides no data set's identity. */
  String settingsIdentity() {
    return new PreparerConfig(
            settings.shape(),
            settings.maxLength(),
            settings.truncationMode(),
            settings.maxPromptLength(),
            settings.boundaryMerge(),
            settings.completionOnlyLoss(),
            settings.assistantOnlyLoss(),
            settings.vocabularySize(),
            LocalDateTime.MIN,
            settings.columns())
        .toString();
  }

  /** Hash of the files that decide what texts become. */
  String tokenizerHash() {
    Folder folder = folder();
    StringBuilder files = new StringBuilder();
    try {
      for (String name : TOKENIZER_FILES) {
        if (folder.contains(name)) {
          files.append(name).append(Digest128.of(folder.readWhole(name)).hex());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the tokenizer of '" + model + "'", e);
    }
    return files.isEmpty() ? "none" : Digest128.of(files.toString()).hex();
  }

  private Folder folder() {
    return HadoopFolder.open("model", model, configuration.value());
  }
}
